"""What `test` and `run` do alike: bring the tester's firmware onto a board and send it samples."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tinygen.boards import Board
from tinygen.cli.progress import ERR, Steps
from tinygen.elf import Sizes, section_sizes
from tinygen.journal import Journal, identity_of
from tinygen.tester import DeviceRun, Model, board_with_tester, run_on_device


@dataclass(frozen=True, slots=True)
class How:
    """Options of a run: the tester's baud rate (None: the board's), checksums of layers, the state file of --resume."""

    baud: int | None = None
    layers: bool = False
    state: Path | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """What came back of each model, and what the tester's firmware takes (None if it was not built here)."""

    models: tuple[DeviceRun, ...]
    firmware: Sizes | None


def run_samples(
    models: Sequence[Model], board: Board, project: Path, port: str | None, steps: Steps, how: How | None = None
) -> Runs:
    """Run all samples of the project's models on the board, with progress; raises TinygenError."""
    how = how or How()
    with ExitStack() as stack:
        journal = None
        if how.state is not None:
            journal = stack.enter_context(Journal(how.state, identity_of(models, board, how.layers)))
            if journal.resumed:
                ERR.print(f"going on after {journal.resumed} samples of an earlier run")
        with steps.step(f"bringing the tester onto {board.name}"):
            target = stack.enter_context(board_with_tester(board, project, port, steps.platformio))
        elsewhere = [region.section for region in board.regions]
        firmware = None if target.elf is None else section_sizes(target.elf, elsewhere)
        with steps.count(f"running on {board.name}", sum(len(samples.inputs) for _, samples in models)) as done:
            results = run_on_device(models, board, target.url, done, how.baud, how.layers, journal)
        if journal is not None:
            journal.finish()
        return Runs(results, firmware)

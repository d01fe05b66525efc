"""What `test` and `run` do alike: bring the tester's firmware onto a board and send it samples."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from tinygen.boards import Board
from tinygen.cli.progress import Steps
from tinygen.tester import DeviceRun, Model, board_with_tester, run_on_device


def run_samples(
    models: Sequence[Model], board: Board, project: Path, port: str | None, steps: Steps
) -> tuple[DeviceRun, ...]:
    """Run all samples of the project's models on the board, with progress; raises TinygenError."""
    with ExitStack() as stack:
        with steps.step(f"bringing the tester onto {board.name}"):
            url = stack.enter_context(board_with_tester(board, project, port, steps.platformio))
        with steps.count(f"running on {board.name}", sum(len(samples.inputs) for _, samples in models)) as done:
            return run_on_device(models, board, url, done)

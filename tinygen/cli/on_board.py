"""What `test` and `run` do alike: bring the tester's firmware onto a board and send it samples."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from tinygen.boards import Board
from tinygen.cli.progress import Steps
from tinygen.pipeline import Compiled
from tinygen.samples import RawSamples
from tinygen.tester import DeviceRun, board_with_tester, run_on_device


def run_samples(
    compiled: Compiled, board: Board, project: Path, port: str | None, samples: RawSamples, steps: Steps
) -> DeviceRun:
    """Run all samples on the board, with progress; raises TinygenError."""
    with ExitStack() as stack:
        with steps.step(f"bringing the tester onto {board.name}"):
            url = stack.enter_context(board_with_tester(board, project, port, steps.platformio))
        with steps.count(f"running on {board.name}", len(samples.inputs)) as done:
            return run_on_device(compiled, board, url, samples, done)

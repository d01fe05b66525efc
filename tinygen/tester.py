"""Runs samples on a board, emulated or real, and brings the outputs back.

Place in the flow: after the project is written; device/link.py does the talking, report/verdict.py the judging.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tinygen.boards import Board
from tinygen.device.link import DeviceInfo, Link
from tinygen.emulator import running
from tinygen.errors import TinygenError
from tinygen.ir import Array
from tinygen.pipeline import Compiled
from tinygen.platformio import build_firmware, upload
from tinygen.samples import RawSamples, from_bytes, to_bytes

Progress = Callable[[str], None]

# Slower than any core here needs for a multiply-accumulate, with everything around it
_CYCLES_PER_MAC = 200
_SHORTEST_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class DeviceRun:
    """What came back: per sample the outputs and the ticks of the inference."""

    info: DeviceInfo
    outputs: tuple[tuple[Array, ...], ...]
    ticks: tuple[int, ...]
    retries: int


@contextmanager
def board_with_tester(board: Board, project: Path, port: str | None, progress: Progress) -> Iterator[str]:
    """Build the tester's firmware and bring it onto the board; yields the port to talk to.

    An emulated board is started, and ended afterwards. A real one is flashed, unless `port` is a URL (an
    emulator or a remote board that runs already). Raises TinygenError.
    """
    if port is not None and "://" in port:
        yield port
        return
    environment = f"{board.name}_test"
    result = build_firmware(project, environment, board, progress)
    if board.emulated:
        with running(board, result.elf) as url:
            yield url
        return
    if port is None:
        raise TinygenError(f"{board.name} is a real board: on which port is it?", "give --port, e.g. /dev/ttyUSB0")
    upload(project, environment, board, port, progress)
    yield port


def run_on_device(
    compiled: Compiled, board: Board, url: str, samples: RawSamples, done: Callable[[int], None]
) -> DeviceRun:
    """Send every sample and collect the outputs; `done` is called after each with the count so far.

    Raises TinygenError when the board has another model, does not answer, or goes away.
    """
    graph = compiled.plan.program.graph
    tensors = [graph.tensors[i] for i in graph.outputs]
    timeout = _SHORTEST_TIMEOUT + _CYCLES_PER_MAC * compiled.plan.program.macs / max(board.clock_hz, 1_000_000)
    outputs, ticks = [], []
    with Link.open(url, board.baud) as link:
        info = link.hello()
        _need_model(info, compiled, board)
        for count, inputs in enumerate(samples.inputs, start=1):
            answer = link.infer(to_bytes(inputs), timeout)
            outputs.append(from_bytes(answer.outputs, tensors))
            ticks.append(answer.ticks)
            done(count)
        return DeviceRun(info, tuple(outputs), tuple(ticks), link.retries)


def _need_model(info: DeviceInfo, compiled: Compiled, board: Board) -> None:
    if info.sha256 != compiled.model.sha256:
        raise TinygenError(
            f"the board runs another model: '{info.name}', SHA-256 {info.sha256[:12]}..., "
            f"not '{compiled.request.name}', {compiled.model.sha256[:12]}...",
            f"flash this one: `tinygen test --board {board.name} --port PORT MODEL`, PORT not a URL",
        )

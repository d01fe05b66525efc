"""Runs samples on a board, emulated or real, and brings the outputs back.

Place in the flow: after the project is written; device/link.py does the talking, report/verdict.py the judging.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tinygen.boards import Board
from tinygen.device.link import Answer, DeviceInfo, Link
from tinygen.emulator import running
from tinygen.errors import TinygenError
from tinygen.ir import Array
from tinygen.pipeline import Compiled
from tinygen.plan import Plan
from tinygen.platformio import build_firmware, upload
from tinygen.render.state import missing_byte
from tinygen.samples import Inputs, RawSamples, from_bytes, to_bytes

Progress = Callable[[str], None]

# Slower than any core here needs for a multiply-accumulate, with everything around it
_CYCLES_PER_MAC = 200
_SHORTEST_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class DeviceRun:
    """What came back: per sample the outputs and the ticks of the inference (of one hop, if the model streams)."""

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


Model = tuple[Compiled, RawSamples]


def run_on_device(
    models: Sequence[Model], board: Board, url: str, done: Callable[[int], None]
) -> tuple[DeviceRun, ...]:
    """Send every sample of every model and collect the outputs; `done` is called after each with the count so far.

    Several models take turns, sample by sample, over the arena they share. Raises TinygenError when the board has
    another model, does not answer, or goes away.
    """
    with Link.open(url, board.baud) as link:
        infos = [_hello(link, index, compiled, board, len(models)) for index, (compiled, _) in enumerate(models)]
        answers: list[list[Answer]] = [[] for _ in models]
        turns = [(turn, index) for index, (_, s) in enumerate(models) for turn in range(len(s.inputs))]
        for count, (turn, index) in enumerate(sorted(turns), start=1):
            if len(models) > 1:
                link.select(index)
            compiled, samples = models[index]
            content = sample_bytes(compiled.plan, samples.inputs[turn])
            answers[index].append(link.infer(content, _timeout(compiled.plan, board)))
            done(count)
        runs = zip(infos, models, answers, strict=True)
        return tuple(_collected(info, compiled, got, link.retries) for info, (compiled, _), got in runs)


def _hello(link: Link, index: int, compiled: Compiled, board: Board, count: int) -> DeviceInfo:
    """Who model `index` of `count` is: the one that is expected, or TinygenError."""
    info = link.hello()  # the board may just have been reset, so ask before anything else
    if count > 1:
        link.select(index)
        info = link.hello()
    _need_model(info, compiled, board)
    return info


def _collected(info: DeviceInfo, compiled: Compiled, answers: Sequence[Answer], retries: int) -> DeviceRun:
    graph = compiled.plan.program.graph
    tensors = [graph.tensors[i] for i in graph.outputs]
    hop = compiled.plan.hop
    ticks = tuple(answer.ticks // (hop.hops if hop else 1) for answer in answers)
    outputs = tuple(from_bytes(answer.outputs, tensors) for answer in answers)
    return DeviceRun(info, outputs, ticks, retries)


def _timeout(plan: Plan, board: Board) -> float:
    """Seconds that a sample may take; of a model that streams, all its hops and those of a reset."""
    work = _CYCLES_PER_MAC * plan.program.macs * (1 if plan.hop is None else 2 * plan.hop.hops)
    return _SHORTEST_TIMEOUT + work / max(board.clock_hz, 1_000_000)


def sample_bytes(plan: Plan, inputs: Inputs) -> bytes:
    """A sample as it is sent: for a model that streams, its window as whole hops, filled up at the front."""
    content, hop, graph = to_bytes(inputs), plan.hop, plan.program.graph
    if hop is None:
        return content
    missing = (hop.hops * hop.frames - hop.window) * hop.frame_bytes
    return bytes([missing_byte(graph.tensors[graph.inputs[0]])]) * missing + content


def _need_model(info: DeviceInfo, compiled: Compiled, board: Board) -> None:
    if info.sha256 != compiled.model.sha256:
        raise TinygenError(
            f"the board runs another model: '{info.name}', SHA-256 {info.sha256[:12]}..., "
            f"not '{compiled.request.name}', {compiled.model.sha256[:12]}...",
            f"flash this one: `tinygen test --board {board.name} --port PORT MODEL`, PORT not a URL",
        )

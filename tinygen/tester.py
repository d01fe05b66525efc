"""Runs samples on a board, emulated or real, and brings the outputs back.

Place in the flow: after the project is written; device/link.py does the talking, report/verdict.py the judging.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tinygen.boards import Board
from tinygen.device.link import Link
from tinygen.device.messages import Answer, DeviceInfo, DeviceReport
from tinygen.device.ports import await_port
from tinygen.emulator import running
from tinygen.errors import TinygenError
from tinygen.ir import Array
from tinygen.journal import Journal, Record
from tinygen.layers_run import LayersRun, judge_layers, run_with_layers
from tinygen.pipeline import Compiled
from tinygen.plan import Plan
from tinygen.platformio import build_firmware, upload
from tinygen.render.state import missing_byte
from tinygen.samples import Inputs, RawSamples, from_bytes, to_bytes

Progress = Callable[[str], None]

# Slower than any core here needs for a multiply-accumulate, with everything around it; and for a byte of a checksum
_CYCLES_PER_MAC = 200
_CYCLES_PER_CRC_BYTE = 300
_SHORTEST_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class DeviceRun:
    """What came back: per sample the outputs and the ticks of the inference (of one hop, if the model streams).

    stack_bytes: the deepest that the stack was in any inference, None where the board cannot tell. layers: what
    became of the layers' checksums, None if they were not asked for.
    """

    info: DeviceInfo
    report: DeviceReport
    outputs: tuple[tuple[Array, ...], ...]
    ticks: tuple[int, ...]
    retries: int
    stack_bytes: int | None
    layers: LayersRun | None


@dataclass(frozen=True, slots=True)
class Target:
    """A board that runs the tester: the port to talk to, and its firmware if it was built here."""

    url: str
    elf: Path | None


@contextmanager
def board_with_tester(board: Board, project: Path, port: str | None, progress: Progress) -> Iterator[Target]:
    """Build the tester's firmware and bring it onto the board; yields where it answers.

    An emulated board is started, and ended afterwards. A real one is flashed, unless `port` is a URL (an
    emulator or a remote board that runs already). Raises TinygenError.
    """
    if port is not None and "://" in port:
        yield Target(port, None)
        return
    environment = f"{board.name}_test"
    result = build_firmware(project, environment, board, progress)
    if board.emulated:
        with running(board, result.elf) as url:
            yield Target(url, result.elf)
        return
    if port is None:
        raise TinygenError(f"{board.name} is a real board: on which port is it?", "give --port, e.g. /dev/ttyUSB0")
    upload(project, environment, board, port, progress)
    await_port(port)
    yield Target(port, result.elf)


Model = tuple[Compiled, RawSamples]


def run_on_device(
    models: Sequence[Model],
    board: Board,
    url: str,
    done: Callable[[int], None],
    baud: int | None = None,
    layers: bool = False,
    journal: Journal | None = None,
) -> tuple[DeviceRun, ...]:
    """Send every sample of every model and collect the outputs; `done` is called after each with the count so far.

    Several models take turns, sample by sample, over the arena they share. layers: also compare the checksum of
    every layer. What `journal` has is not run again, and what comes is written there. Raises TinygenError when the
    board has another model, does not answer, or goes away.
    """
    with Link.open(url, baud or board.baud) as link:
        infos = [_hello(link, index, compiled, board) for index, (compiled, _) in enumerate(models)]
        if layers and not all(info.layers for info in infos):
            raise TinygenError(
                f"the firmware at {url} was built without --layers", "give the board, or a PORT that is no URL"
            )
        report = link.report()
        records: list[list[Record]] = [[] for _ in models]
        turns = [(turn, index) for index, (_, s) in enumerate(models) for turn in range(len(s.inputs))]
        for count, (turn, index) in enumerate(sorted(turns), start=1):
            known = None if journal is None else journal.get(index, turn)
            if known is None or not _is_of(known, models[index][0]):
                if len(models) > 1:
                    link.select(index)
                known = _run_sample(link, models[index], turn, board, layers)
                if journal is not None:
                    journal.add(index, turn, known)
            records[index].append(known)
            done(count)
        collected = []
        for index, (info, model, got) in enumerate(zip(infos, models, records, strict=True)):
            if len(models) > 1:
                link.select(index)
            judged = _judge_layers(link, model, got, board) if layers else None
            collected.append(_collected(info, report, model[0], got, link.retries, judged))
        return tuple(collected)


def _is_of(record: Record, compiled: Compiled) -> bool:
    """Whether a record out of a file can be one of this model."""
    graph, steps = compiled.plan.program.graph, len(compiled.plan.steps)
    size = sum(graph.tensors[i].nbytes for i in graph.outputs)
    return len(record.answer.outputs) == size and all(layer < steps for layer in record.wrong_layers)


def _run_sample(link: Link, model: Model, turn: int, board: Board, layers: bool) -> Record:
    compiled, samples = model
    inputs = samples.inputs[turn]
    content, timeout = sample_bytes(compiled.plan, inputs), _timeout(compiled.plan, board, layers)
    if layers:
        answer, wrong = run_with_layers(link, compiled.plan, inputs, content, timeout)
        return Record(answer, wrong)
    return Record(link.infer(content, timeout), ())


def _judge_layers(link: Link, model: Model, records: Sequence[Record], board: Board) -> LayersRun:
    compiled, samples = model
    plan, timeout = compiled.plan, _timeout(compiled.plan, board, layers=True)

    def infer(turn: int) -> Answer:
        return link.infer(sample_bytes(plan, samples.inputs[turn]), timeout)

    return judge_layers(link, plan, samples.inputs, [record.wrong_layers for record in records], infer)


def _hello(link: Link, index: int, compiled: Compiled, board: Board) -> DeviceInfo:
    """Who model `index` is: the one that is expected, or TinygenError."""
    link.hello()  # the board may just have been reset, so ask before anything else
    link.select(index)  # or a host that is gone has left it at another one
    info = link.hello()
    _need_model(info, compiled, board)
    return info


def _collected(
    info: DeviceInfo,
    report: DeviceReport,
    compiled: Compiled,
    records: Sequence[Record],
    retries: int,
    layers: LayersRun | None,
) -> DeviceRun:
    graph = compiled.plan.program.graph
    tensors = [graph.tensors[i] for i in graph.outputs]
    hop = compiled.plan.hop
    answers = [record.answer for record in records]
    ticks = tuple(answer.ticks // (hop.hops if hop else 1) for answer in answers)
    outputs = tuple(from_bytes(answer.outputs, tensors) for answer in answers)
    stacks = [answer.stack_bytes for answer in answers if answer.stack_bytes is not None]
    return DeviceRun(info, report, outputs, ticks, retries, max(stacks, default=None), layers)


def _timeout(plan: Plan, board: Board, layers: bool = False) -> float:
    """Seconds that a sample may take; of a model that streams, all its hops and those of a reset."""
    work = _CYCLES_PER_MAC * plan.program.macs * (1 if plan.hop is None else 2 * plan.hop.hops)
    if layers:
        written = sum(s.call.output.images * s.call.output.rows * s.call.output.row_bytes for s in plan.steps)
        work += _CYCLES_PER_CRC_BYTE * written * (1 if plan.hop is None else 2 * plan.hop.hops)
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

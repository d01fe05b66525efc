"""Which bytes of which buffer are alive when: the schedule replayed row by row.

Place in the flow: between plan/schedule.py and plan/place.py. Time is counted in events: 0 is when the inputs are
filled, then comes one for each `rows_at_once` rows that a kernel makes, and at last the reading of the outputs. A
buffer is alive in an interval of its bytes, from the first that will still be read to the last that has been written,
so an output may move in over the input rows that are done with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tinygen.ir import Array
from tinygen.kernels import Program
from tinygen.ops.base import KernelCall, Operand
from tinygen.plan.schedule import DRIVER, Segment

ALIGNMENT = 4
_NEVER = 1 << 40


@dataclass(frozen=True, slots=True)
class Event:
    """Rows [y0, y1) of a step: what its kernel makes in one go. Of the step DRIVER they are pushed by the caller."""

    step: int
    y0: int
    y1: int


@dataclass(frozen=True, slots=True, eq=False)
class Buffer:
    """A piece of arena.

    role is `tensor` (key: tensor index), `scratch` or `carry` (key: step index). `ring_rows` is 0 unless a tensor's
    rows share the memory of so many. Alive from step `first` to step `last` inclusive (-1: before invoke; the number
    of steps: after it), and in bytes [low[i], high[i]) at event `start` + i; `behind` is as `low`, but without what is
    read in place at that very event.
    """

    role: str
    key: int
    name: str
    size: int
    ring_rows: int
    first: int
    last: int
    start: int
    low: Array
    high: Array
    behind: Array
    read_in_place: dict[int, int]  # by event, the first byte
    written: dict[int, int]  # by event, the first byte

    @property
    def end(self) -> int:
        return self.start + len(self.low)


def events_of(program: Program, segments: Sequence[Segment]) -> tuple[Event, ...]:
    """The events of one inference but for the first and the last, which are no step's."""
    found = []
    for segment in segments:
        for step, y0, y1 in segment.blocks(program):
            if step == DRIVER:
                found.append(Event(step, y0, y1))
                continue
            call = program.steps[step].call
            unit = y1 - y0 if call.output.images > 1 or program.is_huge else call.rows_at_once
            found += [Event(step, y, min(y + unit, y1)) for y in range(y0, y1, unit)]
    return tuple(found)


class _Track:
    """What is read and written of one tensor's memory, by event, in bytes."""

    def __init__(self, events: int) -> None:
        self.read = np.full(events, _NEVER, np.int64)
        self.read_in_place = np.full(events, _NEVER, np.int64)
        self.read_end = np.zeros(events, np.int64)
        self.written = np.zeros(events, np.int64)
        self.first_written = np.full(events, _NEVER, np.int64)
        self.steps: list[int] = []

    def reads(self, event: int, step: int, low: int, high: int, in_place: bool) -> None:
        self.steps.append(step)
        where = self.read_in_place if in_place else self.read
        if low < high:
            where[event] = min(where[event], low)
            self.read_end[event] = max(self.read_end[event], high)

    def writes(self, event: int, step: int, low: int, high: int) -> None:
        self.steps.append(step)
        if low < high:
            self.first_written[event] = min(self.first_written[event], low)
            self.written[event] = max(self.written[event], high)


def find_buffers(
    program: Program, segments: Sequence[Segment], depths: Mapping[int, tuple[Operand, int]] | None = None
) -> tuple[Buffer, ...]:
    """All buffers of a schedule, tensors first; sizes in bytes, rounded up to the alignment.

    depths: rings that are known, as the rows that all kernels see, and how many of them there are; by tensor.
    """
    events = events_of(program, segments)
    rings = {root: (rows, 0) for root, rows in rings_of(program, segments).items()} | dict(depths or {})
    pushed = segments[0].pushed if segments else None
    tensors = [
        _ring(program, root, track, *rings[root]) if root in rings else _tensor(program, root, track)
        for root, track in _tracks(program, events, pushed).items()
    ]
    return (*(t for t in tensors if t is not None), *_working_memory(program, events))


def rings_of(program: Program, segments: Sequence[Segment]) -> dict[int, Operand]:
    """The tensors that exist only within one streamed segment, each as the rows that all its kernels see."""
    segment_of = {step: s for s in segments for step in range(s.first, s.end)}
    pushed = {program.storage[s.driver] for s in segments if s.pushed is not None}
    border = {program.storage[t] for t in (*program.graph.inputs, *program.graph.outputs)} - pushed
    users: dict[int, list[tuple[Segment, Operand]]] = {}
    for index, step in enumerate(program.steps):
        for operand in (*step.call.inputs, step.call.output):
            users.setdefault(program.storage[operand.tensor], []).append((segment_of[index], operand))
    found = {}
    for root, uses in users.items():
        segment, operand = uses[0]
        alone = all(s is segment and program.same_rows(o, operand) for s, o in uses)
        brought = segment.height and root == program.storage[segment.driver]
        if alone and segment.height and root not in border and (not brought or root in pushed):
            found[root] = operand
    return found


def _tracks(program: Program, events: Sequence[Event], pushed: Operand | None) -> dict[int, _Track]:
    """The tracks by the tensor whose memory it is; constants have none."""
    graph, end = program.graph, len(events) + 1
    tracks: dict[int, _Track] = {}

    def track(tensor: int) -> _Track:
        root = program.storage[tensor]
        if root not in tracks:  # no setdefault: a track is as long as the schedule
            tracks[root] = _Track(end + 1)
        return tracks[root]

    for index in filter(program.in_arena, graph.inputs):
        _, low, high = program.span(index)
        track(index).writes(0, -1, low, low if pushed else high)
    for time, event in enumerate(events, 1):
        if event.step == DRIVER:
            assert pushed is not None
            start = program.span(pushed.tensor)[1]
            low, high = start + event.y0 * pushed.row_bytes, start + event.y1 * pushed.row_bytes
            track(pushed.tensor).writes(time, 0, low, high)
            continue
        call = program.steps[event.step].call
        for index, operand in enumerate(call.inputs):
            if program.in_arena(operand.tensor):
                low, high = (program.span(operand.tensor)[1] + at for at in bytes_read(call, index, event))
                track(operand.tensor).reads(time, event.step, low, high, index in call.in_place)
        if program.in_arena(call.output.tensor):
            low, high = (program.span(call.output.tensor)[1] + at for at in bytes_written(call, event))
            track(call.output.tensor).writes(time, event.step, low, high)
    for index in filter(program.in_arena, graph.outputs):
        _, low, high = program.span(index)
        track(index).reads(end, len(program.steps), low, high, False)
    return tracks


def bytes_read(call: KernelCall, index: int, event: Event) -> tuple[int, int]:
    """The bytes [low, high) of input `index` that an event reads."""
    operand, reads = call.inputs[index], call.reads_of(index)
    if operand.images > 1 or call.output.images > 1:
        return 0, operand.images * operand.rows * operand.row_bytes
    return reads.first[event.y0] * operand.row_bytes, reads.last[event.y1 - 1] * operand.row_bytes


def bytes_written(call: KernelCall, event: Event) -> tuple[int, int]:
    """The bytes [low, high) of the output that an event writes."""
    output = call.output
    low, high = event.y0 * output.row_bytes, event.y1 * output.row_bytes
    if output.images > 1 or (call.gathers and event.y1 == call.rows):
        low, high = 0, output.images * output.rows * output.row_bytes
    elif call.gathers:
        low, high = 0, 0
    if call.moves:
        _, to, count = call.moves
        low, high = max(low, to), min(high, to + count)
    return (low, high) if low < high else (0, 0)


def _tensor(program: Program, root: int, track: _Track) -> Buffer | None:
    """A tensor that has all its rows; None if nothing of it is ever used."""
    low = _from_behind(np.minimum(track.read, track.read_in_place))
    later = np.append(low[1:], _NEVER)
    behind = np.minimum(track.read, later)
    # nothing is there but what has been written, and nothing is needed but what will be read
    begun = np.minimum.accumulate(track.first_written)
    high = np.minimum(np.maximum.accumulate(track.written), -_from_behind(-track.read_end))
    # what is written and never read is alive while it is written
    low = np.minimum(np.maximum(low, begun), track.first_written)
    behind = np.minimum(np.maximum(behind, begun), track.first_written)
    high = np.maximum(high, track.written)
    alive = np.flatnonzero(low < high)
    if not len(alive):
        return None
    span = slice(int(alive[0]), int(alive[-1]) + 1)
    in_place = {int(e): int(track.read_in_place[e]) for e in np.flatnonzero(track.read_in_place < _NEVER)}
    writes = {int(e): int(track.first_written[e]) for e in np.flatnonzero(track.first_written < _NEVER)}
    tensor = program.graph.tensors[root]
    return Buffer(
        role="tensor",
        key=root,
        name=tensor.name,
        size=aligned(tensor.nbytes),
        ring_rows=0,
        first=min(track.steps),
        last=max(track.steps),
        start=span.start,
        low=np.minimum(low[span], high[span]),
        high=high[span],
        behind=np.minimum(behind[span], high[span]),
        read_in_place=in_place,
        written=writes,
    )


def _ring(program: Program, root: int, track: _Track, rows: Operand, depth: int) -> Buffer | None:
    """A tensor of which only `depth` rows exist, or as many as are alive at once; whole when that is all of them."""
    low = np.minimum(_from_behind(np.minimum(track.read, track.read_in_place)), track.first_written)
    high = np.maximum.accumulate(track.written)
    depth = depth or -(-int(np.maximum(high - low, 0).max()) // rows.row_bytes)
    whole = _tensor(program, root, track)
    if whole is None or depth >= rows.rows:
        return whole
    size = aligned(depth * rows.row_bytes)
    full = np.full(len(whole.low), size, np.int64)
    return replace(
        whole, size=size, ring_rows=depth, low=full * 0, high=full, behind=full * 0, read_in_place={}, written={}
    )


def _working_memory(program: Program, events: Sequence[Event]) -> list[Buffer]:
    """Scratch, alive at each event of its step alone, and carry, alive from the first to the last."""
    times: dict[int, list[int]] = {}
    for time, event in enumerate(events, 1):
        times.setdefault(event.step, []).append(time)
    buffers = []
    for index, step in enumerate(program.steps):
        for role, size in (("scratch", step.call.scratch_bytes), ("carry", step.call.carry_bytes)):
            if not size:
                continue
            start, end = times[index][0], times[index][-1] + 1
            high = np.zeros(end - start, np.int64)
            high[[t - start for t in times[index]] if role == "scratch" else slice(None)] = aligned(size)
            name = f"{role} of {step.op.name}"
            low = high * 0
            buffers.append(Buffer(role, index, name, aligned(size), 0, index, index, start, low, high, low, {}, {}))
    return buffers


def _from_behind(values: Array) -> Array:
    """The least of each value and all behind it."""
    least: Array = np.minimum.accumulate(values[::-1])[::-1]
    return least


def aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def distance(a: Buffer, b: Buffer) -> tuple[int, int] | None:
    """How far apart two buffers must lie: b's offset less a's is at most `below`, or at least `above`.

    None if they are never alive at the same time. Both are multiples of the alignment.
    """
    start, end = max(a.start, b.start), min(a.end, b.end)
    if start >= end:
        return None
    in_a, in_b = slice(start - a.start, end - a.start), slice(start - b.start, end - b.start)
    a_low, a_high, b_low, b_high = a.low[in_a], a.high[in_a], b.low[in_b], b.high[in_b]
    both = (a_low < a_high) & (b_low < b_high)
    if not both.any():
        return None
    under = _under(a, b, start, end)
    over = -_under(b, a, start, end)
    return under // ALIGNMENT * ALIGNMENT, -(-over // ALIGNMENT) * ALIGNMENT


def _under(a: Buffer, b: Buffer, start: int, end: int) -> int:
    """The greatest offset of b less a's with b below a: what b has written ends where a is still alive."""
    in_a, in_b = slice(start - a.start, end - a.start), slice(start - b.start, end - b.start)
    both = (a.low[in_a] < a.high[in_a]) & (b.low[in_b] < b.high[in_b])
    gap = a.low[in_a] - b.high[in_b]
    # an event that reads a in place and writes b: each element of a is read just before b's is written
    shared = [e for e in a.read_in_place.keys() & b.written.keys() if start <= e < end]
    for event in shared:
        at = event - start
        freed = a.behind[event - a.start] if a.behind[event - a.start] < a.high[event - a.start] else _NEVER
        gap[at] = min(freed - int(b.high[in_b][at]), a.read_in_place[event] - b.written[event])
    return int(gap[both].min())


def busiest(buffers: Sequence[Buffer]) -> tuple[int, int]:
    """(bytes, event): the most bytes that are alive at once, which no arena can be smaller than, and when."""
    end = max((b.end for b in buffers), default=0)
    total, shared = np.zeros((2, end + 1), np.int64)
    for buffer in buffers:
        total[buffer.start : buffer.end] += np.maximum(buffer.high - buffer.low, 0)
        for event in buffer.read_in_place:  # one input at most lends its bytes to the output
            at = event - buffer.start
            shared[event] = max(shared[event], buffer.behind[at] - buffer.low[at])
    total -= shared
    return int(total.max()), int(total.argmax())

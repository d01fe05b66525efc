"""The proof of a plan: the schedule replayed over an arena in which every byte knows what was written there last.

Runs in every build. Independent of how the plan was found: it knows the order of the blocks, what a kernel says that
it reads, and the offsets, and nothing of lifetimes. A read of a byte that something else has overwritten is an error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np

from tinygen.ir import Array
from tinygen.kernels import Program
from tinygen.ops.base import KernelCall, Operand
from tinygen.plan.schedule import DRIVER, Segment

ALIGNMENT = 4


@dataclass(frozen=True, slots=True)
class Place:
    """Where a buffer lies: bytes [offset, offset + size) of the arena in a region, which is given by its number.

    ring_rows as in the kernels' views, 0 for a whole tensor.
    """

    offset: int
    size: int
    ring_rows: int = 0
    region: int = 0


Places = Mapping[tuple[str, int], Place]


def check_plan(program: Program, segments: Sequence[Segment], places: Places, *arena_bytes: int) -> None:
    """Raise AssertionError where a kernel would read a byte that is not there any more, or not yet.

    places: by role (`tensor`, `scratch`, `carry`) and by tensor or step index, as in plan/timeline.py.
    arena_bytes: of the arena in each region.
    """
    for (role, key), place in places.items():
        if place.offset < 0 or place.offset % ALIGNMENT or place.offset + place.size > arena_bytes[place.region]:
            raise AssertionError(f"plan: {role} {key} at {place.offset} is misaligned or outside of the arena")
    check_aliases(program)
    # the regions one behind the other
    starts = (0, *accumulate(arena_bytes))
    places = {key: replace(place, offset=starts[place.region] + place.offset) for key, place in places.items()}
    replay = Replay(program, places, sum(arena_bytes))
    pushed = segments[0].pushed if segments else None
    for index in program.graph.inputs if pushed is None else ():
        replay.put(index, 0, program.graph.tensors[index].nbytes)
    left = [(0, step.call.rows) for step in program.steps]
    for segment in segments:
        for step, y0, y1 in segment.blocks(program):
            if step == DRIVER:
                assert pushed is not None
                replay.put(pushed.tensor, y0 * pushed.row_bytes, y1 * pushed.row_bytes, pushed)
                continue
            left[step] = _rest(program.steps[step].call, left[step], (y0, y1), f"plan: layer {step}")
            replay.block(step, y0, y1)
    if any(first < end for first, end in left):
        raise AssertionError("plan: a layer is not computed to its end")
    for index in program.graph.outputs:
        replay.need(index, 0, program.graph.tensors[index].nbytes, "the caller")


def check_aliases(program: Program) -> None:
    """Raise AssertionError unless tensors that live in one another hold what a copy would bring there.

    So it is if both ends of each copy that was saved are the same bytes, and each byte is written by one operator only.
    """
    for step in program.saved:
        assert step.call.moves is not None
        source, target = (program.span(t) for t in (step.call.inputs[0].tensor, step.call.output.tensor))
        of, to, count = step.call.moves
        inside = source[1] + of + count <= source[2] and target[1] + to + count <= target[2]
        if (source[0], source[1] + of) != (target[0], target[1] + to) or not inside:
            raise AssertionError(f"plan: {step.op.kind} '{step.op.name}' is not made, but its output is not there")
    made = [(*program.span(i), i) for i in program.graph.inputs]
    for step in program.steps:
        root, first, end = program.span(step.call.output.tensor)
        if step.call.moves:
            _, to, count = step.call.moves
            first, end = first + to, first + to + count
        made.append((root, first, end, len(program.storage) + id(step.op)))
    known = (-1, 0, 0, 0)
    for span in sorted(span for span in made if program.in_arena(span[0])):
        if span[0] == known[0] and span[1] < known[2] and span[3] != known[3]:
            raise AssertionError(f"plan: '{program.graph.tensors[span[0]].name}' is written by several operators")
        known = span if span[0] != known[0] or span[2] > known[2] else known


def _rest(call: KernelCall, left: tuple[int, int], block: tuple[int, int], who: str) -> tuple[int, int]:
    """The rows that are left to compute behind a block, which must be the first of them, or the last."""
    if block[0] == left[0]:
        return block[1], left[1]
    if block[1] == left[1] and not call.gathers and not call.carry_bytes:
        return left[0], block[0]
    raise AssertionError(f"{who} computes rows {block}, where {left} are left")


class Replay:
    """An arena in which every byte knows what was written there last."""

    def __init__(self, program: Program, places: Places, arena_bytes: int) -> None:
        self._program, self._places = program, places
        self._arena = np.zeros(arena_bytes, np.uint64)
        # every byte of every tensor, scratch and carry has a mark of its own
        self._marks: dict[tuple[str, int], int] = {}
        mark = 1
        for key, place in places.items():
            self._marks[key] = mark
            mark += max(place.size, program.graph.tensors[key[1]].nbytes if key[0] == "tensor" else 0)

    def block(self, step: int, y0: int, y1: int) -> None:
        """Rows [y0, y1) of a step are computed."""
        call = self._program.steps[step].call
        if y0 == 0:
            self._fill("carry", step)
        unit = y1 - y0 if call.output.images > 1 else call.rows_at_once
        for y in range(y0, y1, unit):
            self._rows(step, call, y, min(y + unit, y1))

    def _rows(self, step: int, call: KernelCall, y0: int, y1: int) -> None:
        who = f"layer {step} at row {y0}"
        self._fill("scratch", step)
        reads = [(i, *self._span(call, i, y0, y1)) for i in range(len(call.inputs))]
        for index, low, high in reads:
            self.need(call.inputs[index].tensor, low, high, who, call.inputs[index])
        output = call.output
        written = (y0 * output.row_bytes, y1 * output.row_bytes)
        if output.images > 1 or call.gathers:
            written = (0, output.images * output.rows * output.row_bytes if y1 == call.rows else 0)
        if call.moves:
            _, to, count = call.moves
            written = max(written[0], to), min(written[1], to + count)
        self.put(output.tensor, *written, output)
        for index, low, high in reads:
            if index in call.in_place:
                self._need_order(call, index, low, written, who)
            else:
                self.need(call.inputs[index].tensor, low, high, who, call.inputs[index])
        self._need_own("scratch", step)
        self._need_own("carry", step)

    def _span(self, call: KernelCall, index: int, y0: int, y1: int) -> tuple[int, int]:
        operand = call.inputs[index]
        if operand.images > 1 or call.output.images > 1:
            return 0, operand.images * operand.rows * operand.row_bytes
        reads = call.reads_of(index)
        return reads.first[y0] * operand.row_bytes, reads.last[y1 - 1] * operand.row_bytes

    def _addresses(self, tensor: int, low: int, high: int, operand: Operand | None) -> Array:
        """The arena's bytes in which bytes [low, high) of a tensor lie."""
        root, first, _ = self._program.span(tensor)
        place = self._places["tensor", root]
        position: Array = np.arange(first + low, first + high)
        if place.ring_rows:
            assert operand is not None
            assert not first
            position %= place.ring_rows * operand.row_bytes
        if position.max(initial=0) >= max(place.size, 1):
            raise AssertionError(f"plan: byte {high - 1} of tensor {tensor} lies beyond its {place.size} bytes")
        return position + place.offset

    def marks_of(self, tensor: int, low: int, high: int) -> Array:
        root, first, _ = self._program.span(tensor)
        return _marks(self._marks["tensor", root] + first + low, high - low)

    def put(self, tensor: int, low: int, high: int, operand: Operand | None = None) -> None:
        """Bytes [low, high) of a tensor are written."""
        if low < high and self._program.in_arena(tensor):
            self._arena[self._addresses(tensor, low, high, operand)] = self.marks_of(tensor, low, high)

    def need(self, tensor: int, low: int, high: int, who: str, operand: Operand | None = None) -> None:
        """Bytes [low, high) of a tensor must be in their place."""
        if not self._program.in_arena(tensor) or low >= high:
            return
        found = self._arena[self._addresses(tensor, low, high, operand)]
        wrong = np.flatnonzero(found != self.marks_of(tensor, low, high))
        if len(wrong):
            name = self._program.graph.tensors[tensor].name
            raise AssertionError(f"plan: {who} reads byte {low + int(wrong[0])} of '{name}', which is not there")

    def _need_order(self, call: KernelCall, index: int, low: int, written: tuple[int, int], who: str) -> None:
        """Where an output lies over its input, each element is written only when all up to it have been read."""
        source, target = call.inputs[index], call.output
        tensors = self._program.graph.tensors
        if not all(self._program.in_arena(o.tensor) for o in (source, target)):
            return
        sizes = tensors[source.tensor].dtype.size, tensors[target.tensor].dtype.size
        count = (written[1] - written[0]) // sizes[1]
        read = self._addresses(source.tensor, low, low + count * sizes[0], source)[:: sizes[0]]
        write = self._addresses(target.tensor, *written, target)[:: sizes[1]]
        ahead = (write + sizes[1] > read + sizes[0]) & (write < read[-1] + sizes[0])
        if ahead.any() and write.min() < read.max() + sizes[0] and read.min() < write.max() + sizes[1]:
            raise AssertionError(f"plan: {who} overwrites what it has not read yet")

    def _fill(self, role: str, step: int) -> None:
        if (role, step) in self._places:
            place = self._places[role, step]
            self._arena[place.offset : place.offset + place.size] = self._own(role, step)

    def _need_own(self, role: str, step: int) -> None:
        if (role, step) in self._places:
            place = self._places[role, step]
            if (self._arena[place.offset : place.offset + place.size] != self._own(role, step)).any():
                raise AssertionError(f"plan: the {role} of layer {step} is overwritten")

    def _own(self, role: str, step: int) -> Array:
        return _marks(self._marks[role, step], self._places[role, step].size)


def _marks(first: int, count: int) -> Array:
    """`count` marks from `first` on; they wrap at 2^32."""
    marks: Array = (np.arange(first, first + count) & 0xFFFFFFFF).astype(np.uint32)
    return marks

"""The proof of a streaming plan: one hop replayed, from any hop to the next.

Runs in every build. Independent of how the plan was found: every byte has the mark of how it was made, out of which
bytes and so out of which frames. What a kernel reads in a hop must have the mark that the byte has when the whole
window is computed anew. The replay begins with nothing in memory but the rows of the window before that are to move
up, and ends by asking for those of its own window: so what holds after one hop holds after the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tinygen.ir import Array
from tinygen.kernels import Program
from tinygen.ops.base import KernelCall, Operand
from tinygen.plan.check import ALIGNMENT, Place, Places, Replay
from tinygen.plan.hop import Hop, Kept
from tinygen.plan.schedule import Segment

_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_BYTES = np.uint64(1 << 20)


def check_hop(hop: Hop, segments: Sequence[Segment], kept: Mapping[int, Kept], places: Places, arena: int) -> None:
    """Raise AssertionError where a kernel would read something else than it would with the whole window computed.

    places: of the arena, of `arena` bytes, as in plan/check.py; the state memory is taken to lie behind it.
    """
    program, frames = hop.program, hop.frames
    source = program.graph.inputs[0]
    before, now = (_Window(program, source, start, hop.window) for start in (0, frames))
    state = {
        ("tensor", root): Place(arena + k.offset, k.nbytes, k.depth if k.depth < k.unit.rows else 0)
        for root, k in kept.items()
    }
    end = arena + max(k.offset + k.nbytes for k in kept.values())
    replay = _HopReplay(_in_one_memory(program), {**places, **state}, end, now)
    for root, k in kept.items():
        if k.offset % ALIGNMENT or not 0 <= k.first <= k.end <= k.unit.rows - k.by or k.depth < 1:
            raise AssertionError(f"plan: tensor {root} is kept at {k.offset}, misaligned or beyond its rows")
        replay.begin(root, k, before.marks[root])
    for root, k in kept.items():
        replay.move(root, k)
    unit = kept[program.storage[source]].unit
    replay.bring(source, unit, frames)
    for segment in segments:
        for step, y0, y1 in segment.blocks(program):
            replay.block(step, y0, y1)
    for index in program.graph.outputs:
        replay.need(index, 0, program.graph.tensors[index].nbytes, "the caller")
    for root, k in kept.items():
        low, high = (k.first + k.by) * k.unit.row_bytes, (k.end + k.by) * k.unit.row_bytes
        replay.need(root, low, high, "the next hop", k.unit)


def _in_one_memory(program: Program) -> Program:
    """The program with what is kept among the rest."""
    return Program(program.graph, program.steps, program.storage, program.target)


class _HopReplay(Replay):
    """With marks that say how a byte was made."""

    def __init__(self, program: Program, places: Places, memory: int, window: _Window) -> None:
        super().__init__(program, places, memory)
        self._window, self._step = window, -1

    def marks_of(self, tensor: int, low: int, high: int) -> Array:
        return self._window.marks[self._program.storage[tensor]][low:high]

    def block(self, step: int, y0: int, y1: int) -> None:
        self._step = step
        super().block(step, y0, y1)

    def put(self, tensor: int, low: int, high: int, operand: Operand | None = None) -> None:
        """As the base does; of several calls that write a tensor each adds its mark to what it finds there."""
        before = self._window.first_writer.get(self._program.storage[tensor], self._step)
        if before == self._step or self._program.steps[self._step].call.moves:
            made = self._window.made.get(self._step, self._window.marks[self._program.storage[tensor]])
            self._put(tensor, operand, low, high, made[low:high])
        elif low < high:
            found = self._arena[self._addresses(tensor, low, high, operand)]
            self._put(tensor, operand, low, high, _mixed(found + self._window.made[self._step][low:high]))

    def _put(self, tensor: int, operand: Operand | None, low: int, high: int, marks: Array) -> None:
        if low < high:
            self._arena[self._addresses(tensor, low, high, operand)] = marks

    def begin(self, root: int, kept: Kept, marks: Array) -> None:
        """The rows that are to move up, as the hop before has left them."""
        size = kept.unit.row_bytes
        low, high = (kept.first + kept.by) * size, (kept.end + kept.by) * size
        self._put(root, kept.unit, low, high, marks[low:high])

    def move(self, root: int, kept: Kept) -> None:
        """What tg_move_rows does."""
        size = kept.unit.row_bytes
        for y in range(kept.first, kept.end):
            source, target = (
                self._addresses(root, row * size, (row + 1) * size, kept.unit) for row in (y + kept.by, y)
            )
            self._arena[target] = self._arena[source]

    def bring(self, source: int, unit: Operand, frames: int) -> None:
        """The caller writes the new frames, one behind the other."""
        low, high = (unit.rows - frames) * unit.row_bytes, unit.rows * unit.row_bytes
        if (np.diff(self._addresses(source, low, high, unit)) != 1).any():
            raise AssertionError("plan: the new frames do not lie together")
        self.put(source, low, high, unit)


class _Window:
    """The marks of the window that begins with frame `start`, were all of it computed; uint64, one for each byte.

    marks: by the tensor whose memory it is; made: what each step alone adds; first_writer: by tensor.
    """

    def __init__(self, program: Program, source: int, start: int, window: int) -> None:
        size = program.graph.tensors[source].nbytes
        frames = np.arange(size, dtype=np.uint64) + np.uint64(start * (size // window))
        self.marks: dict[int, Array] = {program.storage[source]: _mixed(frames)}
        self.made: dict[int, Array] = {}
        self.first_writer: dict[int, int] = {}
        for index, step in enumerate(program.steps):
            call, root = step.call, program.storage[step.call.output.tensor]
            made = self.made[index] = _marks_of_rows(program, index, call, self.marks)
            if root not in self.marks:
                self.marks[root] = made.copy()
            elif call.moves:
                _, to, count = call.moves
                self.marks[root][to : to + count] = made[to : to + count]
            else:  # of several calls that write a tensor each writes a part of it: a byte is made of all of them
                self.marks[root] = _mixed(self.marks[root] + made)
            self.first_writer.setdefault(root, index)


def _marks_of_rows(program: Program, index: int, call: KernelCall, marks: Mapping[int, Array]) -> Array:
    output = call.output
    each = output.images == 1 and not call.gathers
    seeds = np.empty(output.rows if each else 1, np.uint64)
    for y in range(len(seeds)):
        seed = _mixed(np.array([index, _kind(program, call, y) if each else 0], np.uint64)).sum(keepdims=True)
        for position, operand in enumerate(call.inputs):
            if program.graph.tensors[operand.tensor].data is not None:
                continue
            whole = not each or operand.images > 1
            reads = call.reads_of(position)
            low, high = (0, operand.images * operand.rows) if whole else (reads.first[y], reads.last[y])
            read = marks[program.storage[operand.tensor]][low * operand.row_bytes : high * operand.row_bytes]
            places = np.arange(len(read), dtype=np.uint64) + np.uint64(position) * _BYTES
            seed = _mixed(seed + _mixed(read + _mixed(places)).sum(dtype=np.uint64))
        seeds[y] = seed[0]
    row = np.arange(output.images * output.rows * output.row_bytes // len(seeds), dtype=np.uint64)
    made: Array = _mixed(seeds[:, None] + _mixed(row)).reshape(-1)
    return made


def _kind(program: Program, call: KernelCall, y: int) -> int:
    """0 for a row that is the same function of what it reads as its neighbours are; else a number of its own."""
    for position, operand in enumerate(call.inputs):
        if program.graph.tensors[operand.tensor].data is not None:
            if operand.rows > 1:
                return y + 1
            continue
        edges = call.reads_of(position).edges
        if edges is None or y < edges[0] or y >= call.rows - edges[1]:
            return y + 1
    return 0


def _mixed(values: Array) -> Array:
    """Well mixed 64 bits: the finalizer of splitmix64 (Steele, Lea and Flood 2014)."""
    x = values + _FACTOR
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Array = x ^ (x >> np.uint64(31))
    return mixed

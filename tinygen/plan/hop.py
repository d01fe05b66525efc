"""Streaming over time: each inference takes only the frames that are new, and computes only what they change.

Place in the flow: the other way to a schedule, beside plan/search.py. Rows that have the value of a row of the hop
before (plan/shift.py) may be kept, in the state memory, and move up; the others are computed anew, one step after the
other. Which tensors are kept is a choice of memory against time: all that can be, or only those behind some step, so
that what lies before it is computed again from the input.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from tinygen.errors import TinygenError
from tinygen.ir import Array
from tinygen.kernels import Program
from tinygen.ops.base import KernelCall, Operand
from tinygen.plan.estimate import work
from tinygen.plan.place import Placement, place
from tinygen.plan.schedule import Segment
from tinygen.plan.search import choice
from tinygen.plan.shift import Shift, shifts_of
from tinygen.plan.timeline import Buffer, aligned, find_buffers

_MOST_CHOICES = 24


@dataclass(frozen=True, slots=True)
class Kept:
    """A tensor in the state memory: row y at offset + (y % depth) * row_bytes, for the rows that are needed.

    At the beginning of a hop row y + by becomes row y, for y in [first, end); of the input at the end of the hop
    before, as the caller brings the new frames between the two.
    """

    offset: int
    unit: Operand
    depth: int
    by: int
    first: int
    end: int

    @property
    def nbytes(self) -> int:
        return self.depth * self.unit.row_bytes


@dataclass(frozen=True, slots=True, eq=False)
class Hop:
    """A way to stream: `frames` new ones of `window` with each inference, `kept` by the tensor whose memory it is.

    `cost` is in estimated instructions of a hop.
    """

    program: Program
    frames: int
    window: int
    segments: tuple[Segment, ...]
    kept: dict[int, Kept]
    buffers: tuple[Buffer, ...]
    placement: Placement
    cost: int

    @property
    def arena_bytes(self) -> int:
        """What `choice` weighs: all memory."""
        return self.placement.size + self.state_bytes

    @property
    def state_bytes(self) -> int:
        return max(kept.offset + kept.nbytes for kept in self.kept.values())

    @property
    def hops(self) -> int:
        """How many hops it takes until every frame of a window is a new one."""
        return -(-self.window // self.frames)

    @property
    def frame_bytes(self) -> int:
        return self.kept[self.program.storage[self.program.graph.inputs[0]]].unit.row_bytes

    @property
    def input_offset(self) -> int:
        """Where the new frames go in the state memory."""
        kept = self.kept[self.program.storage[self.program.graph.inputs[0]]]
        return kept.offset + (self.window - self.frames) % kept.depth * kept.unit.row_bytes

    def rows_computed(self, step: int) -> int:
        """How many rows of a step a hop computes."""
        return sum(y1 - y0 for s in self.segments if s.first == step for y0, y1 in s.ranges)


def choose_hop(program: Program, frames: int, optimize: str) -> Hop:
    """The way to stream that `optimize` asks for: `ram` (arena and state together), `speed`, or `balanced` between.

    Raises TinygenError for a model that has nothing to keep from one hop to the next.
    """
    assert not program.saved  # rows of tensors that lie in one another would have to move together
    source, operand = _window(program, frames)
    shifts = shifts_of(program, source, operand, frames)
    steps = range(len(program.steps) + 1)
    found = [_stream(program, shifts, source, frames, begin) for begin in steps[:: len(steps) // _MOST_CHOICES + 1]]
    found = [hop for hop in found if hop.placement.size and _saves(hop)]
    if not found:
        raise TinygenError(
            f"nothing of model '{program.graph.name}' can be kept from one hop of {frames} to the next",
            "take a hop that all strides in time divide, or build it without --hop",
        )
    best: list[Hop] = []
    for hop in sorted(found, key=lambda h: (h.arena_bytes, h.cost)):
        if not best or hop.cost < best[-1].cost:
            best.append(hop)
    chosen = choice(tuple(best), optimize)
    return replace(chosen, placement=place(chosen.buffers))


def _saves(hop: Hop) -> bool:
    steps = hop.program.steps
    return any(hop.rows_computed(i) < step.call.rows for i, step in enumerate(steps))


def _window(program: Program, frames: int) -> tuple[int, Operand]:
    """(the input, its frames); raises TinygenError where there is no window of at least as many."""
    graph = program.graph
    if graph.variables:
        raise TinygenError(f"model '{graph.name}' has variables: it streams already", "build it without --hop")
    if len(graph.inputs) != 1:
        raise TinygenError(f"model '{graph.name}' has {len(graph.inputs)} inputs, one expected with --hop")
    tensor = graph.tensors[graph.inputs[0]]
    source = program.storage[graph.inputs[0]]
    if len(tensor.shape) < 2 or tensor.shape[0] != 1 or any(program.storage[o] == source for o in graph.outputs):
        raise TinygenError(
            f"input '{tensor.name}' {tensor.shape} has no axis of time behind a batch of 1", "build it without --hop"
        )
    window = tensor.shape[1]
    if not 1 <= frames < window:
        raise TinygenError(
            f"a hop of {frames} frames, and input '{tensor.name}' has {window}", f"take 1 to {window - 1}"
        )
    return source, Operand(source, 1, window, tensor.nbytes // window)


def _stream(program: Program, shifts: Mapping[int, Shift], source: int, frames: int, begin: int) -> Hop:
    """Streaming in which the input and the tensors that steps from `begin` on make may be kept."""
    made = {program.storage[step.call.output.tensor] for step in program.steps[begin:]}
    demand = _Demand(program, shifts, frozenset(made))
    segments = demand.run()
    kept = _keep(program, demand, source)
    inside = replace(program, kept=frozenset(kept))
    rings = {
        root: (shifts[root].unit, depth)
        for root, used in demand.used.items()
        if root not in kept and (depth := _distinct(used)) < len(used) and _one_view(program, shifts[root].unit, root)
    }
    buffers = find_buffers(inside, segments, rings)
    cost = sum(
        work(program, s.first) * (y1 - y0) // program.steps[s.first].call.rows + program.steps[s.first].call.call_cost
        for s in segments
        for y0, y1 in s.ranges
    )
    return Hop(inside, frames, shifts[source].unit.rows, segments, kept, buffers, place(buffers, search=False), cost)


class _Demand:
    """Which rows a hop computes of each tensor, from the outputs to the input; `may_keep` are tensors by storage.

    used: of each tensor the rows that are read or computed, as a mask; kept: those of which old rows are read.
    """

    def __init__(self, program: Program, shifts: Mapping[int, Shift], may_keep: frozenset[int]) -> None:
        self.shifts, self._program, self._may_keep = shifts, program, may_keep
        self.used = {root: np.zeros(shift.unit.rows, bool) for root, shift in shifts.items()}
        self.kept: set[int] = set()
        self._computed: dict[int, Array] = {}
        for index in program.graph.outputs:
            self.used[program.storage[index]][:] = True

    def run(self) -> tuple[Segment, ...]:
        segments = []
        for index in reversed(range(len(self._program.steps))):
            call = self._program.steps[index].call
            root = self._program.storage[call.output.tensor]
            mask = self._rows_of(root)
            ranges = _runs(mask if self.shifts[root].by else np.full(call.rows, mask.any()))
            if ranges:
                segments.append(Segment(index, index + 1, ranges=ranges))
            for position, operand in enumerate(call.inputs):
                if self._program.graph.tensors[operand.tensor].data is None:
                    self._read(call, position, ranges)
        return tuple(reversed(segments))

    def _rows_of(self, root: int) -> Array:
        """The rows of a tensor that a hop computes; all its readers have been seen."""
        if root not in self._computed:
            shift, used = self.shifts[root], self.used[root]
            computed = used.copy()
            if not shift.by:
                computed[:] = used.any()
            elif root in self._may_keep and used[shift.old].any():
                self.kept.add(root)
                computed[shift.old] = False
                computed[shift.new] = True
            self._computed[root] = computed
            self.used[root] = used | computed
        return self._computed[root]

    def _read(self, call: KernelCall, position: int, ranges: tuple[tuple[int, int], ...]) -> None:
        operand, reads = call.inputs[position], call.reads_of(position)
        root = self._program.storage[operand.tensor]
        unit, used = self.shifts[root].unit, self.used[root]
        for y in (y for y0, y1 in ranges for y in range(y0, y1)):
            low, high = reads.first[y] * operand.row_bytes, reads.last[y] * operand.row_bytes
            if operand.images > 1 or call.output.images > 1 or unit.images > 1:
                used[:] = True
            elif low < high:
                used[low // unit.row_bytes : -(-high // unit.row_bytes)] = True


def _runs(mask: Array) -> tuple[tuple[int, int], ...]:
    """The runs [start, end) of a mask."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return tuple((int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True))


def _distinct(used: Array) -> int:
    """How many rows a ring needs so that all that are used have a place of their own."""
    rows = np.flatnonzero(used)
    return next(d for d in range(max(len(rows), 1), len(used) + 1) if len(np.unique(rows % d)) == len(rows))


def _one_view(program: Program, unit: Operand, root: int) -> bool:
    """Whether all kernels see the same rows of a tensor, and nobody else reads it."""
    calls = (step.call for step in program.steps)
    users = (o for call in calls for o in (*call.inputs, call.output) if program.storage[o.tensor] == root)
    border = {program.storage[t] for t in program.graph.outputs}
    return root not in border and all(program.same_rows(unit, o) for o in users)


def _keep(program: Program, demand: _Demand, source: int) -> dict[int, Kept]:
    """The places of the tensors that are kept, and of the input, whose new frames must lie together."""
    found: dict[int, Kept] = {}
    offset = 0
    for root in (source, *sorted(demand.kept)):
        shift, used = demand.shifts[root], demand.used[root].copy()
        unit = shift.unit
        if root == source:
            used[shift.new] = True
        rows = np.flatnonzero(used) if _one_view(program, unit, root) else np.arange(unit.rows)
        low, least = int(rows[0]), int(rows[-1] - rows[0]) + 1
        together = shift.by if root == source else 1
        depth = next(d for d in range(least, unit.rows + 1) if (unit.rows - together) % d + together <= d)
        old = shift.old
        found[root] = Kept(offset, unit, depth, shift.by, max(low, old.start), max(low, old.stop))
        offset += aligned(found[root].nbytes)
    return found

"""A Program becomes a Plan: the schedule of all rows, and every byte of the arena placed.

Place in the flow: after kernels.py, before render/. Rendering decides no offset; everything is here.
"""

from __future__ import annotations

from dataclasses import dataclass

from tinygen.kernels import Program, Step
from tinygen.ops.base import Operand
from tinygen.plan.check import Place, check_plan
from tinygen.plan.order import ordered
from tinygen.plan.place import Placement, place
from tinygen.plan.schedule import Segment
from tinygen.plan.search import choose_schedule
from tinygen.plan.state import state_bytes, state_offsets
from tinygen.plan.timeline import Buffer, find_buffers


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """A buffer at its offset in the arena."""

    buffer: Buffer
    offset: int

    @property
    def end(self) -> int:
        return self.offset + self.buffer.size


@dataclass(frozen=True, slots=True)
class View:
    """A tensor as a kernel sees it: row y at offset + (y % ring_rows) * row_bytes in `memory`, arena or state."""

    memory: str
    offset: int
    row_bytes: int
    ring_rows: int


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What is computed when, and where everything lies. `arena_bytes` holds input, output, all tensors and scratch."""

    program: Program
    segments: tuple[Segment, ...]
    placed: tuple[Placed, ...]
    arena_bytes: int
    lower_bound_bytes: int

    @property
    def pushed(self) -> Operand | None:
        """The input, if the caller brings it row by row."""
        return self.segments[0].pushed if self.segments else None

    @property
    def steps(self) -> tuple[Step, ...]:
        return self.program.steps

    @property
    def scratch_bytes(self) -> int:
        """The largest scratch and carry of any step."""
        return max((s.call.scratch_bytes + s.call.carry_bytes for s in self.steps), default=0)

    def view(self, operand: Operand) -> View:
        """Where the rows of an operand that is not constant lie."""
        root = self.program.storage[operand.tensor]
        if self.program.graph.tensors[root].is_variable:
            return View("state", state_offsets(self.program.graph)[root], operand.row_bytes, operand.rows)
        placed = self._placed("tensor", root)
        return View("arena", placed.offset, operand.row_bytes, placed.buffer.ring_rows or operand.rows)

    @property
    def state_bytes(self) -> int:
        """Bytes of the variables, which lie outside of the arena."""
        return state_bytes(self.program.graph)

    def tensor_offset(self, tensor: int) -> int:
        """Arena offset of a tensor that is neither constant nor a variable, in bytes."""
        return self._placed("tensor", self.program.storage[tensor]).offset

    def step_offset(self, role: str, step: int) -> int:
        """Arena offset of the `scratch` or `carry` of a step."""
        return self._placed(role, step).offset

    def _placed(self, role: str, key: int) -> Placed:
        return next(p for p in self.placed if p.buffer.role == role and p.buffer.key == key)


def make_plan(program: Program, optimize: str = "balanced", by_rows: bool = False) -> Plan:
    """The plan of the wanted kind: `ram` (smallest arena), `speed` (fewest calls), `balanced` between them, or `size`.

    by_rows: the caller brings the input row by row (NAME_push_row), so that it need not be there as a whole.

    The plan is checked independently of how it was found; a mistake there raises AssertionError.
    """
    program = ordered(program)
    chosen = choose_schedule(program, optimize, by_rows)
    return placed_plan(program, chosen.segments, chosen.buffers, chosen.placement)


def plan_schedule(program: Program, segments: tuple[Segment, ...]) -> Plan:
    """The plan of a given schedule."""
    buffers = find_buffers(program, segments)
    return placed_plan(program, segments, buffers, place(buffers))


def placed_plan(
    program: Program, segments: tuple[Segment, ...], buffers: tuple[Buffer, ...], placement: Placement
) -> Plan:
    """The plan of a schedule whose buffers have been placed, checked."""
    placed = tuple(Placed(b, offset) for b, offset in zip(buffers, placement.offsets, strict=True))
    check_plan(program, segments, places_of(placed), placement.size)
    return Plan(program, segments, placed, placement.size, placement.lower_bound)


def places_of(placed: tuple[Placed, ...]) -> dict[tuple[str, int], Place]:
    """Placed buffers as the checker takes them."""
    return {(p.buffer.role, p.buffer.key): Place(p.offset, p.buffer.size, p.buffer.ring_rows) for p in placed}

"""The plan as a program reads it: the keys of SPEC section 5; and the frontier that it was chosen from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tinygen.features.front_end import FrontEnd
from tinygen.kernels import Program
from tinygen.plan import Plan
from tinygen.plan.hop import Hop
from tinygen.plan.schedule import Segment
from tinygen.plan.search import OPTIMIZE, Candidate, choice
from tinygen.report.size import regions_json
from tinygen.stack import Stack


@dataclass(frozen=True, slots=True)
class Point:
    """A schedule of the frontier; `cost` in estimated instructions. `chosen_by` are words of OPTIMIZE."""

    arena_bytes: int
    lower_bound_bytes: int
    cost: int
    chosen_by: tuple[str, ...]
    segments: tuple[Segment, ...]

    @property
    def streamed(self) -> tuple[Segment, ...]:
        """The segments that run by blocks of rows; the other layers are computed whole."""
        return tuple(segment for segment in self.segments if segment.height)


def frontier_points(found: tuple[Candidate, ...]) -> tuple[Point, ...]:
    """The frontier as values, by rising arena, with the choices of --optimize marked."""
    chosen = {word: choice(found, word) for word in OPTIMIZE}
    return tuple(
        Point(
            c.arena_bytes,
            c.placement.lower_bound,
            c.cost,
            tuple(word for word in OPTIMIZE if chosen[word] is c),
            c.segments,
        )
        for c in found
    )


def optimality(plan: Plan) -> str:
    """Whether the arena is as small as this schedule allows, in words."""
    distance = plan.arena_bytes - plan.lower_bound_bytes
    if not distance:
        return "proven optimal for this schedule"
    return (
        f"{distance:,} bytes ({100 * distance / plan.lower_bound_bytes:.1f} %) above the lower bound of this schedule"
    )


def turns_of(program: Program, segment: Segment) -> int:
    """How often the loop of a segment runs; 1 for a layer computed whole."""
    return sum(1 for _ in segment.turns(program))


def _features(plan: Plan, front: FrontEnd) -> dict[str, object]:
    return {
        "kind": front.definition.kind,
        "window": front.window,
        "stride": front.stride,
        "scratch_offset": plan.frame_address[1],
        "scratch_bytes": front.scratch_bytes,
        "state_bytes": front.state_bytes,
        "const_bytes": front.const_bytes,
    }


def plan_json(plan: Plan, optimize: str, stack: Stack | None, points: Sequence[Point] | None) -> dict[str, object]:
    """The keys of SPEC section 5; `stack` is None without a board, `points` where nobody asked for the frontier."""
    program = plan.program
    return {
        "name": program.graph.name,
        "optimize": optimize,
        "arena_bytes": plan.arena_bytes,
        "regions": regions_json(plan.regions),
        "flash_regions": regions_json(plan.flash),
        "lower_bound_bytes": plan.lower_bound_bytes,
        "scratch_bytes": plan.scratch_bytes,
        "state_bytes": plan.state_bytes,
        "stack_bytes": None if stack is None else stack.invoke_bytes,
        "const_bytes": program.const_bytes,
        "macs": program.macs,
        "features": None if plan.features is None else _features(plan, plan.features),
        "hop": None if plan.hop is None else _hop(plan.hop),
        "segments": [_segment(program, segment) for segment in plan.segments],
        "frontier": None if points is None else [_point(program, point) for point in points],
        "layers": [
            {
                "index": index,
                "operator": step.op.kind,
                "name": step.op.name,
                "kernel": step.call.kernel,
                "rows": step.call.rows,
                "macs": step.macs,
                "scratch_bytes": step.call.scratch_bytes,
                "carry_bytes": step.call.carry_bytes,
            }
            for index, step in enumerate(plan.steps)
        ],
        "buffers": [
            {
                "name": placed.buffer.name,
                "role": placed.buffer.role,
                "region": plan.regions[placed.region].region.name if plan.regions else None,
                "offset": placed.offset,
                "bytes": placed.buffer.size,
                "ring_rows": placed.buffer.ring_rows,
                "first_layer": placed.buffer.first,
                "last_layer": placed.buffer.last,
            }
            for placed in plan.placed
        ],
    }


def _hop(hop: Hop) -> dict[str, object]:
    return {
        "frames": hop.frames,
        "window": hop.window,
        "cost": hop.cost,
        "rows_computed": [hop.rows_computed(step) for step in range(len(hop.program.steps))],
        "kept": [
            {"name": hop.program.graph.tensors[root].name, "offset": k.offset, "bytes": k.nbytes, "rows": k.depth}
            for root, k in hop.kept.items()
        ],
    }


def _segment(program: Program, segment: Segment) -> dict[str, int]:
    return {
        "first": segment.first,
        "last": segment.end - 1,
        "height": segment.height,
        "turns": turns_of(program, segment),
    }


def _point(program: Program, point: Point) -> dict[str, object]:
    return {
        "arena_bytes": point.arena_bytes,
        "lower_bound_bytes": point.lower_bound_bytes,
        "cost": point.cost,
        "chosen_by": list(point.chosen_by),
        "segments": [_segment(program, segment) for segment in point.segments],
    }

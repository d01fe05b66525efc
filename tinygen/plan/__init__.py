"""A Program becomes a Plan: the schedule of all rows, and every byte of the arena placed.

Place in the flow: after kernels.py, before render/. Rendering decides no offset; everything is here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tinygen.errors import TinygenError
from tinygen.features.front_end import FrontEnd
from tinygen.kernels import Program, Step, with_less_scratch
from tinygen.ops.base import Operand
from tinygen.plan.check import Place, check_plan
from tinygen.plan.check_hop import check_hop
from tinygen.plan.constants import Key, place_constants
from tinygen.plan.hop import Hop, choose_hop
from tinygen.plan.order import ordered, variants, whole_peak
from tinygen.plan.place import Placement, place
from tinygen.plan.regions import Division, choose_division
from tinygen.plan.schedule import Segment
from tinygen.plan.search import Candidate, Stretch, choice, frontier, given_schedule
from tinygen.plan.state import state_bytes, state_offsets
from tinygen.plan.timeline import Buffer, find_buffers
from tinygen.regions import Region, RegionUse

_LARGEST_PEAK = 1 << 26
_FRAME_ALIGNMENT = 8  # of its numbers of 64 bits


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """A buffer at its offset in the arena, or in the arena's part that lies in a region, given by its number."""

    buffer: Buffer
    offset: int
    region: int = 0

    @property
    def end(self) -> int:
        return self.offset + self.buffer.size


@dataclass(frozen=True, slots=True)
class View:
    """A tensor as a kernel sees it: row y at offset + (y % ring_rows) * row_bytes in the array `memory`."""

    memory: str
    offset: int
    row_bytes: int
    ring_rows: int


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What is computed when, and where everything lies. `arena_bytes` holds input, output, all tensors and scratch.

    `regions`: what lies in each of the board's regions, in all `arena_bytes`; () for a board that has none.
    `hop`: each inference takes new frames of the input and keeps the rest, in the state memory.
    `frontier`: the schedules among which this one was chosen; () for one that was given, or with a hop.
    `flash`: what constants take of each flash of a board that has several, `flash_of` the number of each one's.
    `features`: the front end that makes the input out of samples, if there is one.
    """

    program: Program
    segments: tuple[Segment, ...]
    placed: tuple[Placed, ...]
    arena_bytes: int
    lower_bound_bytes: int
    regions: tuple[RegionUse, ...] = ()
    hop: Hop | None = None
    frontier: tuple[Candidate, ...] = ()
    flash: tuple[RegionUse, ...] = ()
    flash_of: Mapping[Key, int] = field(default_factory=dict)
    features: FrontEnd | None = None

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

    @property
    def used_regions(self) -> tuple[int, ...]:
        """The numbers of the regions in which something lies; (0,) for a board that has none."""
        return tuple(i for i, use in enumerate(self.regions) if use.bytes) or (0,)

    def arena_of(self, region: int) -> str:
        """The name of the array in a region: `arena`, or `arena_psram` and so on if there are several."""
        return "arena" if len(self.used_regions) < 2 else f"arena_{self.regions[region].region.name.lower()}"

    def address(self, tensor: int) -> tuple[str, int]:
        """The array in which a tensor that is not constant lies, and its offset there in bytes.

        A variable lies in `state`, and what a hop keeps; any other tensor in an arena. Of the input of a model that
        streams it is where the new frames go.
        """
        root = self.program.storage[tensor]
        if self.hop is not None and root in self.hop.kept:
            is_input = tensor in self.program.graph.inputs
            return "state", self.hop.input_offset if is_input else self.hop.kept[root].offset
        if self.program.graph.tensors[root].is_variable:
            return "state", state_offsets(self.program.graph)[root]
        placed = self._placed("tensor", root)
        return self.arena_of(placed.region), placed.offset + self.program.span(tensor)[1]

    def step_address(self, role: str, step: int) -> tuple[str, int]:
        """The array in which the `scratch` or `carry` of a step lies, and its offset there in bytes."""
        placed = self._placed(role, step)
        return self.arena_of(placed.region), placed.offset

    @property
    def frame_address(self) -> tuple[str, int]:
        """The array in which a front end makes a frame, and the first offset there at which it meets no output."""
        assert self.features is not None
        graph, array, offset = self.program.graph, self.arena_of(self.used_regions[0]), 0
        outputs = sorted(
            (self.address(i)[1], graph.tensors[i].nbytes) for i in graph.outputs if self.address(i)[0] == array
        )
        for start, nbytes in outputs:
            if start < offset + self.features.scratch_bytes:
                offset = max(offset, -(-(start + nbytes) // _FRAME_ALIGNMENT) * _FRAME_ALIGNMENT)
        return array, offset

    def position(self, placed: Placed) -> int:
        """The offset of a buffer, in bytes, as if the regions lay one behind the other."""
        return placed.offset + sum(use.bytes for use in self.regions[: placed.region])

    def view(self, operand: Operand) -> View:
        """Where the rows of an operand that is not constant lie."""
        array, offset = self.address(operand.tensor)
        root, rows = self.program.storage[operand.tensor], 0
        if self.hop is not None and root in self.hop.kept:
            kept = self.hop.kept[root]
            offset, rows = kept.offset, kept.depth if kept.depth < kept.unit.rows else 0
        elif self.program.in_arena(operand.tensor):
            rows = self._placed("tensor", root).buffer.ring_rows
        return View(array, offset, operand.row_bytes, rows or operand.rows)

    @property
    def state_bytes(self) -> int:
        """Bytes of what lives from one inference to the next, outside of the arena."""
        return state_bytes(self.program.graph) if self.hop is None else self.hop.state_bytes

    @property
    def static_bytes(self) -> int:
        """All static memory beside the arena: the state, and what a front end keeps."""
        return self.state_bytes + (self.features.state_bytes if self.features else 0)

    @property
    def const_bytes(self) -> int:
        """Bytes of all constants: the model's, and the tables of a front end."""
        return self.program.const_bytes + (self.features.const_bytes if self.features else 0)

    def _placed(self, role: str, key: int) -> Placed:
        return next(p for p in self.placed if p.buffer.role == role and p.buffer.key == key)


def make_plan(
    program: Program,
    optimize: str = "balanced",
    by_rows: bool = False,
    regions: Sequence[Region] = (),
    hop: int | None = None,
    schedule: Sequence[Stretch] = (),
) -> Plan:
    """The plan of the wanted kind: `ram` (smallest arena), `speed` (fewest calls), `balanced` between them, or `size`.

    by_rows: the caller brings the input row by row (NAME_push_row), so that it need not be there as a whole.
    regions: the board's memories for arenas, fastest first. If the plan does not fit the first one, it gives way to the
    plan that reads and writes least in the others. Those of flash are for the constants.
    hop: each inference takes so many new frames and keeps the rest of its window (plan/hop.py). The arena lies in the
    fastest region that holds it.
    schedule: what `tinygen tune` found, instead of looking for one; for neither by_rows, hop nor regions.

    The plan is checked independently of how it was found; a mistake there raises AssertionError.
    """
    peak = whole_peak(program)
    if peak > _LARGEST_PEAK:
        raise TinygenError(
            f"model '{program.graph.name}' has tensors of {peak:,} bytes alive at once, more than any "
            "microcontroller's memory",
            "use a smaller model, or a smaller input",
        )
    if schedule:
        first = variants(program)[0]
        return plan_schedule(first, given_schedule(first, schedule))
    flash = [region for region in regions if region.flash]
    plan = _plan(program, optimize, by_rows, [region for region in regions if not region.flash], hop)
    uses, places = place_constants(plan.program, flash) if flash else ((), {})
    return replace(plan, flash=uses, flash_of=places)


def _plan(program: Program, optimize: str, by_rows: bool, regions: Sequence[Region], hop: int | None) -> Plan:
    """What `make_plan` makes, but for the constants."""
    if hop is not None:
        if by_rows:
            raise TinygenError("--hop and --input rows exclude each other", "a hop of 1 takes one row at a time, too")
        return hop_plan(choose_hop(ordered(program), hop, optimize), regions)
    programs = variants(program)
    if optimize == "ram":
        programs = tuple(dict.fromkeys((*programs, *variants(with_less_scratch(program)))))
    found = frontier(programs, by_rows)
    chosen = choice(found, optimize)
    if regions:
        plan = divided_plan(choose_division(chosen, found, regions, by_rows), regions)
    else:
        plan = placed_plan(chosen.program, chosen.segments, chosen.buffers, chosen.placement)
    return replace(plan, frontier=found)


def divided_plan(division: Division, regions: Sequence[Region]) -> Plan:
    """The plan of a schedule whose buffers lie in several regions, checked."""
    chosen, program = division.candidate, division.candidate.program
    places = zip(chosen.buffers, division.offsets, division.regions, strict=True)
    placed = tuple(Placed(*place) for place in places)
    check_plan(program, chosen.segments, places_of(placed), *division.sizes)
    uses = tuple(RegionUse(region, size) for region, size in zip(regions, division.sizes, strict=True))
    return Plan(program, chosen.segments, placed, sum(division.sizes), chosen.placement.lower_bound, uses)


def shared_regions(plans: Sequence[Plan]) -> tuple[RegionUse, ...]:
    """What plans for the same board take of each region when they share their arenas: the most of any of them."""
    uses = zip(*(plan.regions for plan in plans), strict=True)
    return tuple(RegionUse(each[0].region, max(use.bytes for use in each)) for each in uses)


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


def hop_plan(hop: Hop, regions: Sequence[Region] = ()) -> Plan:
    """The plan of a way to stream over time, checked; its arena lies in the first region that holds it, or the last."""
    size = hop.placement.size
    placed = tuple(Placed(b, offset) for b, offset in zip(hop.buffers, hop.placement.offsets, strict=True))
    check_hop(hop, hop.segments, hop.kept, places_of(placed), size)
    where = next((i for i, region in enumerate(regions) if size <= region.bytes), max(len(regions) - 1, 0))
    uses = tuple(RegionUse(region, size if i == where else 0) for i, region in enumerate(regions))
    placed = tuple(replace(p, region=where) for p in placed)
    return Plan(hop.program, hop.segments, placed, size, hop.placement.lower_bound, uses, hop)


def with_features(plan: Plan, features: FrontEnd) -> Plan:
    """The plan with a front end. Its scratch lies in the first arena, which grows where it must: while a frame is made
    no inference is under way, and nothing is there but the outputs of the last one."""
    plan = replace(plan, features=features)
    end = plan.frame_address[1] + features.scratch_bytes
    if not plan.regions:
        return replace(plan, arena_bytes=max(plan.arena_bytes, end))
    first = plan.used_regions[0]
    grown = replace(plan.regions[first], bytes=max(plan.regions[first].bytes, end))
    regions = (*plan.regions[:first], grown, *plan.regions[first + 1 :])
    return replace(plan, regions=regions, arena_bytes=sum(use.bytes for use in regions))


def places_of(placed: tuple[Placed, ...]) -> dict[tuple[str, int], Place]:
    """Placed buffers as the checker takes them."""
    return {(p.buffer.role, p.buffer.key): Place(p.offset, p.buffer.size, p.buffer.ring_rows, p.region) for p in placed}

"""Which steps are streamed together, and how many rows at a time.

Place in the flow: chooses what plan/schedule.py describes. The steps are cut into segments by dynamic programming:
what a segment needs depends on nothing outside of it but the tensors that live across it (plan/estimate.py). Under a
falling limit of memory this gives the frontier of schedules, each then replayed and placed for real.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from tinygen.errors import TinygenError
from tinygen.kernels import Program
from tinygen.plan.estimate import Option, options_of
from tinygen.plan.place import Placement, lower_bound, place
from tinygen.plan.schedule import Segment, driver_of, streamable, writers
from tinygen.plan.timeline import Buffer, find_buffers

OPTIMIZE = ("ram", "balanced", "speed", "size")
_LIMITS = 20
# `balanced` takes a schedule of 1 % more cost if that saves 4 % of the arena
_BALANCE = 4
# costs that are so close count as even: they are estimates
_EVEN = 0.005
_BLOCKS = 4  # of a step that runs backwards


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A schedule of a program with its buffers placed; `cost` is in estimated instructions of one inference."""

    program: Program
    segments: tuple[Segment, ...]
    buffers: tuple[Buffer, ...]
    placement: Placement
    cost: int

    @property
    def arena_bytes(self) -> int:
        return self.placement.size


class Weighed(Protocol):
    """What is chosen among: bytes of memory and estimated instructions."""

    @property
    def arena_bytes(self) -> int: ...

    @property
    def cost(self) -> int: ...


_Found = TypeVar("_Found", bound=Weighed)


def choice(found: tuple[_Found, ...], optimize: str) -> _Found:
    """Which candidate of a frontier is the one of `optimize`; for `size` the kernels are what makes the difference.

    Raises TinygenError for a word that is not in OPTIMIZE.
    """
    if optimize not in OPTIMIZE:
        raise TinygenError(f"there is no plan '{optimize}'", f"choose one of {', '.join(OPTIMIZE)}")
    if optimize == "ram":
        return found[0]
    if optimize == "speed":
        return found[-1]
    return min(found, key=lambda c: c.arena_bytes * c.cost**_BALANCE)


def frontier(programs: Sequence[Program], by_rows: bool = False) -> tuple[Candidate, ...]:
    """The candidates of which none is both smaller and cheaper, by rising arena and falling cost.

    programs: variants of one program. by_rows: the caller brings the input row by row; raises TinygenError for a model
    that cannot take it so.
    """
    if by_rows:
        programs = _that_take_rows(programs)
    drafts = [_draft(p, *schedule) for p in programs for schedule in schedules(p, by_rows).items()]
    drafts += [_draft(d.program, *_turned(d.program, d.segments, d.cost, first)) for d in drafts for first in (0, 1)]
    cheapest = min(drafts, key=lambda d: (d.cost, d.lower_bound))
    candidates: list[Candidate] = []
    for draft in sorted(drafts, key=lambda d: (d.lower_bound, d.cost)):
        even = (1 + _EVEN) * draft.cost
        if draft is cheapest or not any(c.arena_bytes <= draft.lower_bound and c.cost <= even for c in candidates):
            placement = place(draft.buffers)
            candidates.append(Candidate(draft.program, draft.segments, draft.buffers, placement, draft.cost))
    candidates.sort(key=lambda c: (c.arena_bytes, c.cost))
    best: list[Candidate] = []
    for candidate in candidates:
        if not best or candidate.cost < best[-1].cost:
            best.append(candidate)
    return tuple(best)


@dataclass(frozen=True, slots=True, eq=False)
class _Draft:
    """A schedule that has not been placed, which takes time; no placement can be smaller than `lower_bound`."""

    program: Program
    segments: tuple[Segment, ...]
    buffers: tuple[Buffer, ...]
    lower_bound: int
    cost: int


def _draft(program: Program, segments: tuple[Segment, ...], cost: int) -> _Draft:
    buffers = find_buffers(program, segments)
    return _Draft(program, segments, buffers, lower_bound(buffers), cost)


def _turned(program: Program, segments: tuple[Segment, ...], cost: int, first: int) -> tuple[tuple[Segment, ...], int]:
    """(schedule, cost) with every other of the single steps that may do so running backwards, from the first or second.

    Where all run forwards, each output lies a little below its input, and at the arena's end the next one must lie
    on the other side. Forwards and backwards by turns, tensors of one size share one place.
    """
    turned = list(segments)
    able = [i for i, s in enumerate(segments) if not s.height and _may_turn(program, s.first)]
    for index in able[first::2]:
        call = program.steps[segments[index].first].call
        height = -(-call.rows // _BLOCKS)
        turned[index] = replace(segments[index], backwards=height)
        cost += call.call_cost * (-(-call.rows // height) - 1)
    return tuple(turned), cost


def _may_turn(program: Program, index: int) -> bool:
    call = program.steps[index].call
    alone = call.output.images == 1 and not call.gathers and not call.carry_bytes
    return alone and call.rows >= 2 * _BLOCKS and not program.in_order(index)


def schedules(program: Program, by_rows: bool = False, outside: Collection[int] = ()) -> dict[tuple[Segment, ...], int]:
    """Schedules by rising need of memory, each with its cost; `outside`: inputs that lie in another memory."""
    options = options_of(program, by_rows, outside)
    found = {}
    for limit in _limits(options):
        chain = _cheapest(options, limit)
        if chain is not None:
            found[tuple(o.segment for o in chain)] = sum(o.cost for o in chain)
    return found


def placed_schedule(program: Program, segments: tuple[Segment, ...], cost: int) -> Candidate:
    """A schedule with its buffers placed in one arena, by first fit alone."""
    buffers = find_buffers(program, segments)
    return Candidate(program, segments, buffers, place(buffers, search=False), cost)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A segment as a person would name it: steps [first, end), rows a turn (0: whole), rows of a block backwards."""

    first: int
    end: int
    height: int = 0
    backwards: int = 0


def given_schedule(program: Program, stretches: Sequence[Stretch]) -> tuple[Segment, ...]:
    """The segments of an ordered program that are named; raises TinygenError when it cannot be cut so."""
    written, at, found = writers(program), 0, []
    for s in stretches:
        alone = s.end == s.first + 1
        driver = driver_of(program, s.first) if at == s.first < s.end <= len(program.steps) else None
        if s.height > 0 and not s.backwards and driver is not None:
            ready = tuple(streamable(program, written, s.first, step) for step in range(s.first, s.end))
            fits = all(ready) and not alone and s.height < driver.rows
            segment = Segment(s.first, s.end, s.height, program.storage[driver.tensor], ready)
        else:
            fits = at == s.first < len(program.steps) and alone and s.height == 0 <= s.backwards
            fits = fits and (not s.backwards or _may_turn(program, s.first))
            segment = Segment(s.first, s.end, backwards=s.backwards)
        if not fits:
            raise TinygenError(
                f"layers {s.first} to {s.end - 1} cannot be planned as tuned", "run `tinygen tune` again"
            )
        found.append(segment)
        at = s.end
    if at != len(program.steps):
        raise TinygenError(f"tuned for {at} layers, not {len(program.steps)}", "run `tinygen tune` again")
    return tuple(found)


def _that_take_rows(programs: Sequence[Program]) -> tuple[Program, ...]:
    """The variants whose first layer takes the model's only input, an image or another tensor of rows, row by row.

    Raises TinygenError if there are none.
    """
    graph = programs[0].graph
    if graph.variables:
        raise TinygenError(
            f"model '{graph.name}' has variables and cannot take its input row by row", "build it without --input rows"
        )
    able = tuple(p for p in programs if len(graph.inputs) == 1 and _takes_rows(p))
    if not able:
        raise TinygenError(f"model '{graph.name}' cannot take its input row by row", "build it without --input rows")
    return able


def _takes_rows(program: Program) -> bool:
    inputs = {program.storage[index] for index in program.graph.inputs}  # under whichever shape
    reads = [{program.storage[operand.tensor] for operand in step.call.inputs} for step in program.steps]
    used = [i for i, roots in enumerate(reads) if roots & inputs]
    return bool(used) and used[0] == 0 and bool(options_of(program, pushed=True)[0])


def _limits(options: tuple[tuple[Option, ...], ...]) -> list[int]:
    """Limits of memory to search under: from the least that is possible to one that excludes nothing."""
    least = [0] * (len(options) + 1)
    for first in reversed(range(len(options))):
        least[first] = min(max(o.peak, least[o.segment.end]) for o in options[first])
    whole = max((o.peak for some in options for o in some if not o.segment.height), default=0)
    peaks = sorted({o.peak for some in options for o in some if least[0] <= o.peak < whole})
    spread = [peaks[i * len(peaks) // _LIMITS] for i in range(_LIMITS)] if peaks else []
    return sorted({least[0], *peaks[:4], *spread, whole})


def _cheapest(options: tuple[tuple[Option, ...], ...], limit: int) -> tuple[Option, ...] | None:
    """The options from the first step to the last of least cost whose peaks all keep to the limit; None if none do."""
    best: list[tuple[int, int, Option | None] | None] = [None] * len(options) + [(0, 0, None)]
    for first in reversed(range(len(options))):
        for option in options[first]:
            behind = best[option.segment.end]
            if option.peak <= limit and behind is not None:
                total = (option.cost + behind[0], max(option.peak, behind[1]))
                known = best[first]
                if known is None or total < known[:2]:
                    best[first] = (*total, option)
    chain: list[Option] = []
    at = 0
    while at < len(options):
        step = best[at]
        if step is None or step[2] is None:
            return None
        chain.append(step[2])
        at = step[2].segment.end
    return tuple(chain)

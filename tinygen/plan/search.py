"""Which steps are streamed together, and how many rows at a time.

Place in the flow: chooses what plan/schedule.py describes. The steps are cut into segments by dynamic programming:
what a segment needs depends on nothing outside of it but the tensors that live across it (plan/estimate.py). Under a
falling limit of memory this gives the frontier of schedules, each then replayed and placed for real.
"""

from __future__ import annotations

from dataclasses import dataclass

from tinygen.errors import TinygenError
from tinygen.kernels import Program
from tinygen.plan.estimate import Option, options_of
from tinygen.plan.place import Placement, place
from tinygen.plan.schedule import Segment
from tinygen.plan.timeline import Buffer, find_buffers

OPTIMIZE = ("ram", "balanced", "speed")
_LIMITS = 20
# `balanced` takes a schedule of 1 % more cost if that saves 4 % of the arena
_BALANCE = 4


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A schedule with its buffers placed; `cost` is in estimated instructions of one inference."""

    segments: tuple[Segment, ...]
    buffers: tuple[Buffer, ...]
    placement: Placement
    cost: int

    @property
    def arena_bytes(self) -> int:
        return self.placement.size


def choose_schedule(program: Program, optimize: str, by_rows: bool = False) -> Candidate:
    """The schedule that `--optimize` asks for; `by_rows`: the caller brings the input row by row.

    Raises TinygenError for a word that is not in OPTIMIZE, and for a model that cannot take its input by rows.
    """
    if optimize not in OPTIMIZE:
        raise TinygenError(f"there is no plan '{optimize}'", f"choose one of {', '.join(OPTIMIZE)}")
    return choice(frontier(program, by_rows), optimize)


def choice(found: tuple[Candidate, ...], optimize: str) -> Candidate:
    """Which candidate of a frontier is the one of `optimize`, a word of OPTIMIZE."""
    if optimize == "ram":
        return found[0]
    if optimize == "speed":
        return found[-1]
    return min(found, key=lambda c: c.arena_bytes * c.cost**_BALANCE)


def frontier(program: Program, by_rows: bool = False) -> tuple[Candidate, ...]:
    """The candidates of which none is both smaller and cheaper, by rising arena and falling cost."""
    if by_rows:
        _need_rows(program)
    options = options_of(program, by_rows)
    schedules = {}
    for limit in _limits(options):
        chain = _cheapest(options, limit)
        if chain is not None:
            schedules[tuple(o.segment for o in chain)] = sum(o.cost for o in chain)
    candidates = []
    for segments, cost in schedules.items():
        buffers = find_buffers(program, segments)
        candidates.append(Candidate(segments, buffers, place(buffers), cost))
    candidates.sort(key=lambda c: (c.arena_bytes, c.cost))
    best: list[Candidate] = []
    for candidate in candidates:
        if not best or candidate.cost < best[-1].cost:
            best.append(candidate)
    return tuple(best)


def _need_rows(program: Program) -> None:
    """Raise unless the model's only input is an image, or another tensor of rows, that its first layer takes so."""
    graph = program.graph
    if graph.variables:
        raise TinygenError(
            f"model '{graph.name}' has variables and cannot take its input row by row", "build it without --input rows"
        )
    used = [i for i, step in enumerate(program.steps) if any(o.tensor in graph.inputs for o in step.call.inputs)]
    if len(graph.inputs) != 1 or not used or used[0] != 0 or not options_of(program, pushed=True)[0]:
        raise TinygenError(f"model '{graph.name}' cannot take its input row by row", "build it without --input rows")


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

"""Offsets for buffers whose lifetimes are known: first fit by several orders, then a search under a falling limit.

Place in the flow: behind plan/timeline.py, which says how far apart each two of them must lie.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from tinygen.plan.timeline import ALIGNMENT, Buffer, busiest, distance

_NODES = 2000  # of one search tree
_LIMITS = 7  # sizes tried between the bound and the best that is known


@dataclass(frozen=True, slots=True)
class Placement:
    """An offset in bytes for every buffer; no placement can be smaller than `lower_bound`."""

    offsets: tuple[int, ...]
    size: int
    lower_bound: int


@dataclass(frozen=True, slots=True)
class _Problem:
    """sizes, and for each buffer its conflicts: (other, below, above), its offset less the other's being outside."""

    sizes: tuple[int, ...]
    conflicts: tuple[tuple[tuple[int, int, int], ...], ...]
    bound: int


def lower_bound(buffers: Sequence[Buffer]) -> int:
    """Bytes below which no arena can be: the busiest event, or what two buffers need that must lie apart."""
    return _problem(buffers).bound


def place(buffers: Sequence[Buffer], search: bool = True) -> Placement:
    """The smallest arena found; without `search` by first fit alone."""
    problem = _problem(buffers)
    orders = _orders(buffers)
    best = min((_first_fit(problem, order) for order in orders), key=lambda offsets: _size(problem, offsets))
    if search:
        best = _searched(problem, orders, best)
    return Placement(best, _size(problem, best), problem.bound)


def _problem(buffers: Sequence[Buffer]) -> _Problem:
    sizes = tuple(b.size for b in buffers)
    conflicts: list[list[tuple[int, int, int]]] = [[] for _ in buffers]
    bound = max([-(-busiest(buffers)[0] // ALIGNMENT) * ALIGNMENT, *sizes], default=0)
    for i, j in combinations(range(len(buffers)), 2):
        apart = distance(buffers[i], buffers[j])
        if apart is None:
            continue
        below, above = apart
        conflicts[j].append((i, below, above))
        conflicts[i].append((j, -above, -below))
        # j below i, or above it: these two alone need so much
        bound = max(bound, min(max(sizes[j], sizes[i] - below), max(sizes[i], above + sizes[j])))
    return _Problem(sizes, tuple(map(tuple, conflicts)), bound)


def _orders(buffers: Sequence[Buffer]) -> tuple[tuple[int, ...], ...]:
    """Greedy-by-size is Pisarchyk and Lee (2020), "Efficient Memory Management for Deep Neural Net Inference"."""
    everything = range(len(buffers))
    keys = (
        lambda i: (-buffers[i].size, buffers[i].start),
        lambda i: (-len(buffers[i].low), -buffers[i].size),
        lambda i: (-buffers[i].size * len(buffers[i].low), buffers[i].start),
        lambda i: (buffers[i].start, -buffers[i].size),
        lambda i: (-buffers[i].end, -buffers[i].size),
    )
    return tuple(dict.fromkeys(tuple(sorted(everything, key=key)) for key in keys))


def _size(problem: _Problem, offsets: Sequence[int]) -> int:
    return max((o + s for o, s in zip(offsets, problem.sizes, strict=True)), default=0)


def _fits(problem: _Problem, index: int, offset: int, offsets: dict[int, int]) -> bool:
    return all(
        other not in offsets or offset - offsets[other] <= below or offset - offsets[other] >= above
        for other, below, above in problem.conflicts[index]
    )


def _candidates(problem: _Problem, index: int, offsets: dict[int, int], limit: int) -> Iterator[int]:
    """Offsets at an edge of the arena or of another buffer, those near an edge of the arena first."""
    last = limit - problem.sizes[index]
    taken = sorted(
        (offsets[o] + below, offsets[o] + above) for o, below, above in problem.conflicts[index] if o in offsets
    )
    edges = {0, last}.union(*taken)
    free, reach, passed = [], 0, 0  # reach: where the ranges end that begin below the edge that is looked at
    for edge in sorted(edge for edge in edges if 0 <= edge <= last):
        while passed < len(taken) and taken[passed][0] < edge:
            reach = max(reach, taken[passed][1])
            passed += 1
        if reach <= edge:
            free.append(edge)
    return iter(sorted(free, key=lambda c: (min(c, last - c), c)))


def _first_fit(problem: _Problem, order: Sequence[int]) -> tuple[int, ...]:
    """Each buffer at the lowest offset that is free."""
    offsets: dict[int, int] = {}
    for index in order:
        offsets[index] = _lowest(problem, index, offsets)
    return tuple(offsets[index] for index in range(len(order)))


def _lowest(problem: _Problem, index: int, offsets: dict[int, int]) -> int:
    edges = [offsets[o] + above for o, _, above in problem.conflicts[index] if o in offsets]
    return next(c for c in sorted({0, *(e for e in edges if e > 0)}) if _fits(problem, index, c, offsets))


def divide(
    buffers: Sequence[Buffer], order: Sequence[int], capacities: Sequence[int]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(memory, offset) of each buffer: in the given order each goes into the first memory in which it finds room.

    capacities: bytes of each memory; what fits none goes into the last, however large it gets.
    """
    problem = _problem(buffers)
    inside: list[dict[int, int]] = [{} for _ in capacities]
    chosen = {}
    for index in order:
        for memory, (capacity, offsets) in enumerate(zip(capacities, inside, strict=True)):
            offset = _lowest(problem, index, offsets)
            if offset + problem.sizes[index] <= capacity or memory == len(capacities) - 1:
                offsets[index] = offset
                chosen[index] = memory
                break
    memories = tuple(chosen[i] for i in range(len(buffers)))
    return memories, tuple(inside[memory][i] for i, memory in enumerate(memories))


def _searched(problem: _Problem, orders: Sequence[Sequence[int]], best: tuple[int, ...]) -> tuple[int, ...]:
    """Bisection between the bound and the best, a limited search at each size."""
    low, high = problem.bound, _size(problem, best)
    limit = low
    for _ in range(_LIMITS):
        if low >= high:
            break
        found = next((f for order in orders if (f := _search(problem, order, limit))), None)
        if found:
            best, high = found, _size(problem, found)
        else:
            low = limit + ALIGNMENT
        limit = (low + high) // 2 // ALIGNMENT * ALIGNMENT
        limit = limit if limit < high else high - ALIGNMENT
    return best


def _search(problem: _Problem, order: Sequence[int], limit: int) -> tuple[int, ...] | None:
    """Depth first, in the given order, within `limit` bytes; None if nothing is found within the nodes allowed."""
    offsets: dict[int, int] = {}
    stack = [_candidates(problem, order[0], offsets, limit)] if order else []
    for _ in range(_NODES):
        if not stack:
            return None
        index = order[len(stack) - 1]
        offsets.pop(index, None)
        offset = next(stack[-1], None)
        if offset is None:
            stack.pop()
            continue
        offsets[index] = offset
        if len(stack) == len(order):
            return tuple(offsets[i] for i in range(len(order)))
        stack.append(_candidates(problem, order[len(stack)], offsets, limit))
    return None

"""Offsets for buffers whose lifetimes are known: greedy by several orders, the best one kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tinygen.plan.liveness import Buffer

# Greedy-by-size is the order of Pisarchyk and Lee (2020), "Efficient Memory Management for Deep Neural Net
# Inference"; the others win on graphs with long-lived buffers.
_ORDERS: tuple[Callable[[Buffer], tuple[int, ...]], ...] = (
    lambda b: (-b.size, b.first),
    lambda b: (-(b.last - b.first), -b.size),
    lambda b: (-b.size * (b.last - b.first + 1), b.first),
    lambda b: (b.first, -b.size),
)


def lower_bound(buffers: Sequence[Buffer]) -> int:
    """Bytes live at the busiest step: no placement can be smaller."""
    times = {b.first for b in buffers}
    return max((sum(b.size for b in buffers if b.first <= t <= b.last) for t in times), default=0)


def place(buffers: Sequence[Buffer]) -> tuple[int, ...]:
    """An offset in bytes for every buffer, so that buffers that live at the same time are disjoint."""
    candidates = [_place_in_order(buffers, sorted(range(len(buffers)), key=_key(buffers, o))) for o in _ORDERS]
    return min(candidates, key=lambda offsets: arena_size(buffers, offsets))


def arena_size(buffers: Sequence[Buffer], offsets: Sequence[int]) -> int:
    """The end of the highest buffer, in bytes."""
    return max((o + b.size for b, o in zip(buffers, offsets, strict=True)), default=0)


def _key(buffers: Sequence[Buffer], order: Callable[[Buffer], tuple[int, ...]]) -> Callable[[int], tuple[int, ...]]:
    return lambda index: order(buffers[index])


def _place_in_order(buffers: Sequence[Buffer], order: Sequence[int]) -> tuple[int, ...]:
    """First fit: each buffer at the lowest offset that is free during its life."""
    offsets: dict[int, int] = {}
    for index in order:
        taken = sorted(
            (offsets[other], offsets[other] + buffers[other].size)
            for other in offsets
            if buffers[other].overlaps_in_time(buffers[index])
        )
        offset = 0
        for begin, end in taken:
            if begin - offset >= buffers[index].size:
                break
            offset = max(offset, end)
        offsets[index] = offset
    return tuple(offsets[index] for index in range(len(buffers)))

"""Which buffer lies in which memory, on a board that has a fast one and slower ones.

Place in the flow: between plan/search.py and the Plan, when the schedule that is wanted does not fit the fastest
region. Hot buffers, those with the most bytes read and written per byte of size, go to the fastest region that has
room; the slowest takes all the rest. Each region is then placed for itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tinygen.kernels import Program
from tinygen.plan.place import Placement, divide, place
from tinygen.plan.schedule import DRIVER
from tinygen.plan.search import Candidate, placed_schedule, schedules
from tinygen.plan.timeline import Buffer, Event, bytes_read, bytes_written, events_of
from tinygen.regions import Region

_PROMOTIONS = 8  # buffers of slow memory for which a place in fast memory is searched


@dataclass(frozen=True, slots=True, eq=False)
class Division:
    """A schedule with each buffer's region (by number) and offset in it; `sizes`: the bytes used of each region.

    `slow_traffic` is in bytes read and written per inference, those in the second region counted once, those in the
    third twice, and so on.
    """

    candidate: Candidate
    regions: tuple[int, ...]
    offsets: tuple[int, ...]
    sizes: tuple[int, ...]
    slow_traffic: int


def choose_division(
    chosen: Candidate, others: Sequence[Candidate], regions: Sequence[Region], by_rows: bool = False
) -> Division:
    """The schedule `chosen`, if it fits the first region; else the one that has the least slow traffic.

    Of those with the same traffic (none, if they fit the first region) the cheapest is taken. `others` are the frontier
    that `chosen` is from. The model's inputs are the first to give way: there are schedules for a first region that
    holds them, and for one that does not, unless they come by rows anyhow.
    """
    if chosen.arena_bytes <= regions[0].bytes:
        return _in_first(chosen, regions)
    candidates = list(others)
    for program in dict.fromkeys(other.program for other in others):
        inputs = [] if by_rows else [program.storage[index] for index in program.graph.inputs]
        found = schedules(program, by_rows) | schedules(program, by_rows, inputs)
        candidates += [placed_schedule(program, *schedule) for schedule in found.items()]
    divided = [_divided(candidate, regions) for candidate in candidates]
    return _promoted(min(divided, key=lambda d: (d.slow_traffic, d.candidate.cost)), regions)


def traffic_of(candidate: Candidate) -> tuple[int, ...]:
    """Bytes read and written of each buffer in one inference, estimated.

    A multiply-accumulate reads one byte of an input, and other layers read each row once for each row that needs it;
    scratch is written and read once in each event. Constants and variables lie in no arena and do not count.
    """
    program = candidate.program
    moved: dict[tuple[str, int], int] = {}

    def count(role: str, key: int, nbytes: int) -> None:
        moved[role, key] = moved.get((role, key), 0) + nbytes

    for event in events_of(program, candidate.segments):
        if event.step == DRIVER:  # rows that the caller brings
            pushed = candidate.segments[0].pushed
            assert pushed is not None
            count("tensor", program.storage[pushed.tensor], (event.y1 - event.y0) * pushed.row_bytes)
            continue
        step = program.steps[event.step]
        for index, operand in enumerate(step.call.inputs):
            if program.in_arena(operand.tensor):
                count("tensor", program.storage[operand.tensor], _read(program, event, index))
        if program.in_arena(step.call.output.tensor):
            low, high = bytes_written(step.call, event)
            count("tensor", program.storage[step.call.output.tensor], high - low)
        count("scratch", event.step, 2 * step.call.scratch_bytes)
        count("carry", event.step, 2 * step.call.carry_bytes)
    return tuple(moved.get((b.role, b.key), 0) for b in candidate.buffers)


def _read(program: Program, event: Event, index: int) -> int:
    step = program.steps[event.step]
    low, high = bytes_read(step.call, index, event)
    return max(high - low, step.macs * (event.y1 - event.y0) // step.call.rows)


def _in_first(candidate: Candidate, regions: Sequence[Region]) -> Division:
    sizes = (candidate.arena_bytes, *(0 for _ in regions[1:]))
    return Division(candidate, (0,) * len(candidate.buffers), candidate.placement.offsets, sizes, 0)


def _divided(candidate: Candidate, regions: Sequence[Region]) -> Division:
    if candidate.arena_bytes <= regions[0].bytes:
        return _in_first(candidate, regions)
    buffers, traffic = candidate.buffers, traffic_of(candidate)
    order = _by_heat(buffers, traffic)
    chosen, offsets = divide(buffers, order, [region.bytes for region in regions])
    return _division(candidate, chosen, offsets, traffic, len(regions))


def _division(
    candidate: Candidate, chosen: Sequence[int], offsets: Sequence[int], traffic: Sequence[int], count: int
) -> Division:
    sizes = [0] * count
    for buffer, region, offset in zip(candidate.buffers, chosen, offsets, strict=True):
        sizes[region] = max(sizes[region], offset + buffer.size)
    slow = sum(region * moved for region, moved in zip(chosen, traffic, strict=True))
    return Division(candidate, tuple(chosen), tuple(offsets), tuple(sizes), slow)


def _by_heat(buffers: Sequence[Buffer], traffic: Sequence[int]) -> list[int]:
    return sorted(range(len(buffers)), key=lambda i: (-traffic[i] / buffers[i].size, i))


def _promoted(division: Division, regions: Sequence[Region]) -> Division:
    """The division with each region placed again by search, and what finds room then moved up to the first one."""
    candidate, buffers = division.candidate, division.candidate.buffers
    if not any(division.regions):
        return division
    traffic = traffic_of(candidate)
    chosen, offsets = list(division.regions), list(division.offsets)
    spilled = [i for i in _by_heat(buffers, traffic) if chosen[i]]
    for index in spilled[:_PROMOTIONS]:
        inside = [i for i, region in enumerate(chosen) if not region or i == index]
        placement = place([buffers[i] for i in inside])
        if placement.size <= regions[0].bytes:
            chosen[index] = 0
            _move(offsets, inside, placement)
    for region in range(len(regions)):
        inside = [i for i, r in enumerate(chosen) if r == region]
        placement = place([buffers[i] for i in inside])
        if placement.size < max((offsets[i] + buffers[i].size for i in inside), default=0):
            _move(offsets, inside, placement)
    return _division(candidate, chosen, offsets, traffic, len(regions))


def _move(offsets: list[int], inside: Sequence[int], placement: Placement) -> None:
    for index, offset in zip(inside, placement.offsets, strict=True):
        offsets[index] = offset

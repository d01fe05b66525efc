"""Placement: valid by an independent check, never below the bound; and the checker sees what is wrong."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.exact.networks import networks
from tests.support.c_build import plan_of
from tests.support.everything import everything_graph
from tinygen.plan.check import check_placement
from tinygen.plan.liveness import ALIGNMENT, Buffer
from tinygen.plan.place import lower_bound, place


@st.composite
def buffer_lists(draw: st.DrawFn) -> list[Buffer]:
    count = draw(st.integers(0, 12))
    buffers = []
    for index in range(count):
        first = draw(st.integers(-1, 8))
        last = draw(st.integers(first, 9))
        size = ALIGNMENT * draw(st.integers(1, 40))
        buffers.append(Buffer("tensor", index, f"b{index}", size, first, last))
    return buffers


def _collide(a: Buffer, at: int, b: Buffer, bt: int) -> bool:
    """Whether any byte belongs to both at any time, counted out."""
    times = set(range(a.first, a.last + 1)) & set(range(b.first, b.last + 1))
    return bool(times) and bool(set(range(at, at + a.size)) & set(range(bt, bt + b.size)))


@given(buffer_lists())
def test_placement_is_valid(buffers: list[Buffer]) -> None:
    offsets = place(buffers)
    assert len(offsets) == len(buffers)
    assert all(offset >= 0 and offset % ALIGNMENT == 0 for offset in offsets)
    placed = list(zip(buffers, offsets, strict=True))
    assert not any(_collide(*a, *b) for a, b in combinations(placed, 2))
    end = max((o + b.size for b, o in placed), default=0)
    assert check_placement(buffers, offsets) == end >= lower_bound(buffers)
    assert end <= sum(b.size for b in buffers)


@given(buffer_lists())
def test_lower_bound_is_the_busiest_step(buffers: list[Buffer]) -> None:
    busiest = max((sum(b.size for b in buffers if b.first <= t <= b.last) for t in range(-1, 10)), default=0)
    assert lower_bound(buffers) == busiest


@given(buffer_lists(), st.data())
def test_checker_judges_as_counting_does(buffers: list[Buffer], data: st.DataObject) -> None:
    """Any offsets at all: the checker raises exactly if some byte has two owners."""
    offsets = [ALIGNMENT * data.draw(st.integers(0, 60)) for _ in buffers]
    placed = list(zip(buffers, offsets, strict=True))
    if any(_collide(*a, *b) for a, b in combinations(placed, 2)):
        with pytest.raises(AssertionError, match="overwrites a live buffer"):
            check_placement(buffers, offsets)
    else:
        assert check_placement(buffers, offsets) == max((o + b.size for b, o in placed), default=0)


def test_checker_sees_misalignment() -> None:
    buffer = Buffer("tensor", 0, "x", 8, -1, 3)
    assert check_placement([buffer], [4]) == 12
    for offset in (1, 2, 3, -4):
        with pytest.raises(AssertionError, match="misaligned"):
            check_placement([buffer], [offset])


def test_one_byte_too_much_is_seen() -> None:
    a, b = Buffer("tensor", 0, "a", 8, -1, 2), Buffer("scratch", 1, "b", 8, 2, 2)
    assert check_placement([a, b], [0, 8]) == 16
    with pytest.raises(AssertionError, match="'b' at 4"):
        check_placement([a, b], [0, 4])
    assert check_placement([a, replace(b, first=3, last=3)], [0, 4]) == 12


def test_buffers_live_as_long_as_they_are_read() -> None:
    """Liveness of whole plans, against reads and writes collected step by step."""
    for case in networks(15):
        plan = plan_of(case.graph)
        program = plan.program
        spans: dict[int, list[int]] = {program.storage[i]: [-1] for i in program.graph.inputs}
        for time, step in enumerate(program.steps):
            for operand in (*step.call.inputs, step.call.output):
                if program.graph.tensors[operand.tensor].data is None:
                    spans.setdefault(program.storage[operand.tensor], []).append(time)
        for index in program.graph.outputs:
            spans[program.storage[index]].append(len(program.steps))
        tensors = {p.buffer.key: p.buffer for p in plan.placed if p.buffer.role == "tensor"}
        assert {k: (b.first, b.last) for k, b in tensors.items()} == {k: (min(v), max(v)) for k, v in spans.items()}
        assert all(b.size >= program.graph.tensors[k].nbytes for k, b in tensors.items())
        assert plan.arena_bytes >= plan.lower_bound_bytes


def test_carry_and_scratch_are_placed_beside_what_the_step_touches() -> None:
    plan = plan_of(everything_graph())
    carries = [p for p in plan.placed if p.buffer.role == "carry"]
    assert carries
    assert plan.scratch_bytes == max(p.buffer.size for p in carries)
    for carry in carries:
        step = plan.steps[carry.buffer.key].step
        assert (carry.buffer.first, carry.buffer.last) == (carry.buffer.key, carry.buffer.key)
        for operand in (*step.call.inputs, step.call.output):
            offset = plan.tensor_offset(operand.tensor)
            end = offset + plan.program.graph.tensors[operand.tensor].nbytes
            assert carry.end <= offset or end <= carry.offset


def test_large_arenas_are_checked_in_little_memory() -> None:
    buffers = [Buffer("tensor", 0, "a", 1 << 26, -1, 0), Buffer("tensor", 1, "b", 1 << 26, 0, 1)]
    tracemalloc.start()
    assert check_placement(buffers, [0, 1 << 26]) == 1 << 27
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.1 * (1 << 27)

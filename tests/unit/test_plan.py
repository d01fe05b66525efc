"""The arena: lifetimes and placements judged by counting bytes, and a checker that sees what is wrong."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import Generator

from tests.exact.networks import networks
from tests.kernels.test_schedules import random_schedule
from tests.support.c_build import plan_of
from tests.support.everything import everything_graph
from tests.support.tflite_builder import ModelBuilder
from tinygen.errors import TinygenError
from tinygen.ir import Graph
from tinygen.kernels import Program, build_program
from tinygen.load.tflite import parse_tflite
from tinygen.ops.base import Reads
from tinygen.plan import Plan, check_plan, make_plan, places_of, plan_schedule
from tinygen.plan.place import place
from tinygen.plan.schedule import DRIVER, fit_ready, made_of
from tinygen.plan.timeline import ALIGNMENT, Buffer, busiest
from tinygen.verify import verify


@st.composite
def buffer_lists(draw: st.DrawFn) -> list[Buffer]:
    """Buffers that fill up and drain at any pace."""
    buffers = []
    for index in range(draw(st.integers(0, 10))):
        start, events = draw(st.integers(0, 8)), draw(st.integers(1, 6))
        size = ALIGNMENT * draw(st.integers(1, 20))
        high = sorted(draw(st.integers(1, size)) for _ in range(events))
        low = sorted(draw(st.integers(0, h)) for h in high)
        low = [min(a, b) for a, b in zip(low, high, strict=True)]
        arrays = [np.array(v, np.int64) for v in (low, high)]
        buffers.append(Buffer("tensor", index, f"b{index}", size, 0, 0, 0, start, *arrays, arrays[0], {}, {}))
    return buffers


def _alive(buffer: Buffer, offset: int, event: int) -> set[int]:
    at = event - buffer.start
    if not 0 <= at < len(buffer.low):
        return set()
    return set(range(offset + int(buffer.low[at]), offset + int(buffer.high[at])))


@given(buffer_lists())
def test_no_byte_has_two_owners(buffers: list[Buffer]) -> None:
    placement = place(buffers)
    assert all(offset >= 0 and offset % ALIGNMENT == 0 for offset in placement.offsets)
    for event in range(16):
        alive = [_alive(b, o, event) for b, o in zip(buffers, placement.offsets, strict=True)]
        assert not any(a & b for a, b in combinations(alive, 2))
    end = max((o + b.size for b, o in zip(buffers, placement.offsets, strict=True)), default=0)
    assert busiest(buffers)[0] <= placement.lower_bound <= placement.size == end <= sum(b.size for b in buffers)


@given(buffer_lists())
def test_bound_is_the_busiest_event(buffers: list[Buffer]) -> None:
    counted = [sum(len(_alive(b, 0, event)) for b in buffers) for event in range(16)]
    assert busiest(buffers)[0] == max(counted)


@given(st.integers(1, 30), st.integers(1, 5), st.integers(0, 4), st.integers(1, 7))
def test_ready_counts_as_the_reads_do(rows: int, stride: int, before: int, extent: int) -> None:
    of = (rows - 1) * stride + 1
    starts = [y * stride - before for y in range(rows)]
    reads = Reads(tuple(min(max(s, 0), of) for s in starts), tuple(min(max(s + extent, 0), of) for s in starts))
    ready = fit_ready(DRIVER, reads, of)
    assert ready is not None
    assert [min(ready(got), rows) for got in range(of)] == made_of(reads, of)[:of].tolist()
    assert ready(10 * of + 100) >= rows


def _wrong(plan: Plan, **changed: int) -> bool:
    """Whether the checker complains when one buffer's place is changed."""
    places = places_of(plan.placed)
    largest = max(places, key=lambda key: places[key].size)
    places[largest] = replace(places[largest], **changed)
    try:
        check_plan(plan.program, plan.segments, places, plan.arena_bytes + 4096)
    except AssertionError:
        return True
    return False


def _chain(layers: int, rows: int = 12) -> Graph:
    """Convolutions one after the other; narrow at both ends, and wide between."""
    b = ModelBuilder()
    x = b.input((1, rows, 8, 2), 0.1)
    for index in range(layers):
        y = b.tensor((1, rows, 8, 2 if index == layers - 1 else 8), 0.1)
        weights = b.constant(np.full((b.shape(y)[3], 3, 3, b.shape(x)[3]), 7, np.int8), 0.1)
        b.op("CONV_2D", [x, weights], [y], strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1, padding=0)
        x = y
    return verify(parse_tflite(b.build([x]), "chain", "chain"))


@pytest.mark.parametrize("optimize", ["ram", "speed"])
def test_checker_sees_an_offset_moved_by_a_row(optimize: str) -> None:
    plan = make_plan(build_program(_chain(4)), optimize)
    row = 8 * 8
    where = max(plan.placed, key=lambda p: p.buffer.size).offset
    assert not _wrong(plan)
    assert _wrong(plan, offset=where + row) or _wrong(plan, offset=where - row if where >= row else where + row)
    assert _wrong(plan, offset=where + 2)  # misaligned


def test_checker_sees_a_ring_that_is_too_small() -> None:
    plan = make_plan(build_program(_chain(4)), "ram")
    rings = [p for p in plan.placed if p.buffer.ring_rows > 1]
    assert rings
    for ring in rings:
        places = places_of(plan.placed)
        key = (ring.buffer.role, ring.buffer.key)
        places[key] = replace(places[key], ring_rows=ring.buffer.ring_rows - 1)
        with pytest.raises(AssertionError, match="which is not there"):
            check_plan(plan.program, plan.segments, places, plan.arena_bytes)


def test_checker_sees_scratch_in_the_way() -> None:
    plan = make_plan(build_program(everything_graph()), "speed")
    carry = next(p for p in plan.placed if p.buffer.role == "carry")
    source = plan.steps[carry.buffer.key].call.inputs[0]
    places = places_of(plan.placed)
    places["carry", carry.buffer.key] = replace(places["carry", carry.buffer.key], offset=plan.view(source).offset)
    with pytest.raises(AssertionError, match="plan: "):
        check_plan(plan.program, plan.segments, places, plan.arena_bytes + 4096)


def test_checker_wants_every_row_in_order() -> None:
    plan = make_plan(build_program(_chain(3)), "speed")
    places = places_of(plan.placed)
    for segments, complaint in ((plan.segments[:-1], "to its end"), (plan.segments[::-1], "not there")):
        with pytest.raises(AssertionError, match=complaint):
            check_plan(plan.program, segments, places, plan.arena_bytes)


def test_random_schedules_are_placed_and_proven() -> None:
    rng: Generator = np.random.default_rng(8)
    for case in networks(15):
        program = plan_of(case.graph).program
        plan = plan_schedule(program, random_schedule(program, rng))  # raises if the checker finds anything
        assert plan.lower_bound_bytes <= plan.arena_bytes


def test_the_frontier_is_one() -> None:
    for case in networks(10):
        candidates = plan_of(case.graph).frontier
        pairs = [(c.arena_bytes, c.cost) for c in candidates]
        assert pairs == sorted(pairs)
        assert [cost for _, cost in pairs] == sorted({cost for _, cost in pairs}, reverse=True)


def test_streaming_needs_less_than_tensors() -> None:
    program: Program = build_program(_chain(6, 64))
    ram, speed = (make_plan(program, optimize) for optimize in ("ram", "speed"))
    whole = 64 * 8 * 8
    assert ram.arena_bytes < whole < speed.arena_bytes < 2 * whole  # outputs move in over their inputs
    assert ram.arena_bytes - ram.lower_bound_bytes <= 0.1 * ram.arena_bytes


def test_unknown_optimize() -> None:
    with pytest.raises(TinygenError, match="no plan 'small'"):
        make_plan(build_program(_chain(1)), "small")


def test_three_hundred_operators_in_time() -> None:
    program = build_program(_chain(300, 16))
    before = time.process_time()
    make_plan(program, "ram")
    assert time.process_time() - before < 60

"""Arenas in several memories: hot buffers in the fast one, a checker that knows them apart, and C that agrees."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.exact.networks import networks
from tests.support.c_build import compile_plans, plan_of, write_library
from tests.support.compare import difference
from tests.support.everything_state import state_model
from tinygen import reference
from tinygen.kernels import Program
from tinygen.load.tflite import parse_tflite
from tinygen.plan import Plan, check_plan, make_plan, places_of
from tinygen.plan.regions import choose_division, traffic_of
from tinygen.plan.search import choice, frontier
from tinygen.regions import Region
from tinygen.verify import verify

COUNT = 16


def memories(*sizes: int) -> tuple[Region, ...]:
    """Regions R0, R1, ... of these sizes and a last one without a limit; the first is static memory."""
    found = [Region(f"R{i}", size, f".fast{i}" if i else "") for i, size in enumerate(sizes)]
    return (*found, Region("SLOW", 1 << 30, ".slow"))


def split_plan(program: Program, *parts: float) -> Plan:
    """The plan for regions that are so large a part of the smallest arena."""
    arena = make_plan(program, "ram").arena_bytes
    return make_plan(program, regions=memories(*(int(arena * part) // 4 * 4 for part in parts)))


def programs() -> list[Program]:
    return [plan_of(case.graph).program for case in networks(COUNT)]


def test_what_fits_the_first_region_stays_there() -> None:
    for program in programs():
        plan = make_plan(program)
        there = make_plan(program, regions=memories(plan.arena_bytes))
        assert [use.bytes for use in there.regions] == [plan.arena_bytes, 0]
        assert [(p.offset, p.region) for p in there.placed] == [(p.offset, 0) for p in plan.placed]
        assert {there.address(i)[0] for i in program.graph.inputs} == {"arena"}


def test_a_smaller_schedule_is_better_than_slow_memory() -> None:
    found = 0
    for program in programs():
        ram, balanced = make_plan(program, "ram"), make_plan(program, "balanced")
        plan = make_plan(program, regions=memories(ram.arena_bytes))
        assert plan.regions[1].bytes == 0
        found += balanced.arena_bytes > ram.arena_bytes
    assert found > 0  # some would have spilled


@pytest.mark.parametrize("parts", [(0.7,), (0.5,), (0.25, 0.25)])
def test_split_models_are_exact(parts: tuple[float, ...], tmp_path: Path) -> None:
    cases = networks(COUNT)
    plans = [split_plan(plan_of(case.graph).program, *parts) for case in cases]
    models = compile_plans(plans, tmp_path)
    assert sum(len(plan.used_regions) > 1 for plan in plans) > COUNT / 2
    for case, plan in zip(cases, plans, strict=True):
        assert all(use.fits for use in plan.regions)
        assert plan.arena_bytes == sum(use.bytes for use in plan.regions) >= plan.lower_bound_bytes
        for sample in case.samples:
            got, wanted = models[case.name].run(sample), reference.run(case.graph, sample)
            assert not (complaint := difference(got, wanted)), f"{case}: {complaint}"


def test_the_hot_ones_are_in_fast_memory() -> None:
    """A buffer that would fit the first region by itself, and is hotter than all that lies there, is not outside."""
    for program in programs():
        regions = memories(make_plan(program, "ram").arena_bytes // 2 // 4 * 4)
        found = frontier([program])
        division = choose_division(choice(found, "balanced"), found, regions)
        buffers, traffic = division.candidate.buffers, traffic_of(division.candidate)
        heat = [moved / buffer.size for moved, buffer in zip(traffic, buffers, strict=True)]
        inside = [h for h, region in zip(heat, division.regions, strict=True) if region == 0]
        for buffer, h, region in zip(buffers, heat, division.regions, strict=True):
            assert region == 0 or buffer.size > regions[0].bytes or not inside or h <= max(inside)


def test_traffic_counts_every_read() -> None:
    """Of all buffers that are read or written, the traffic is at least their size; a convolution reads more."""
    for program in programs():
        candidate = choice(frontier([program]), "speed")
        traffic = traffic_of(candidate)
        for buffer, moved in zip(candidate.buffers, traffic, strict=True):
            if buffer.role == "tensor" and buffer.first >= 0 and buffer.last < len(program.steps):
                assert moved >= program.graph.tensors[buffer.key].nbytes


def test_checker_knows_the_regions_apart() -> None:
    found = 0
    for program in programs():
        plan = split_plan(program, 0.5)
        places, sizes = places_of(plan.placed), [use.bytes for use in plan.regions]
        check_plan(program, plan.segments, places, *sizes)
        for key, place in places.items():
            there = {other: p for other, p in places.items() if p.region != place.region and other != key}
            if not there or place.region == 0:
                continue
            moved = {**places, key: replace(place, region=0)}  # over what lies in the first region
            try:
                check_plan(program, plan.segments, moved, max(sizes) + 4096, *sizes[1:])
            except AssertionError:
                found += 1
        with pytest.raises(AssertionError, match="outside of the arena"):
            check_plan(program, plan.segments, places, *(0 for _ in sizes))
    assert found > COUNT / 4


def test_the_c_says_where(tmp_path: Path) -> None:
    plan = next(p for p in (split_plan(program, 0.5) for program in programs()) if len(p.used_regions) > 1)
    name = plan.program.graph.name
    code = write_library(plan, tmp_path).read_text()
    header = (tmp_path / name / "src" / f"{name}.h").read_text()
    for use, array, section in zip(plan.regions, ("R0", "SLOW"), ("", 'section(".slow"), '), strict=True):
        macro = f"{name.upper()}_ARENA_{array}_BYTES"
        assert f"#define {macro} {use.bytes}\n" in header
        assert f"static int8_t arena_{array.lower()}[{macro}] __attribute__(({section}aligned(16)));" in code
        assert f"void {name}_set_arena_{array.lower()}(void *memory);" in header
    assert f"#define {name.upper()}_ARENA_BYTES {plan.arena_bytes}\n" in header


def test_variables_lie_in_no_region(tmp_path: Path) -> None:
    """A split model with variables keeps them apart, and they count as no traffic."""
    graph = verify(parse_tflite(state_model(), "state", "state"))
    plan = split_plan(plan_of(graph).program, 0.5)
    program = plan.program
    assert len(plan.used_regions) > 1
    assert {plan.address(i)[0] for i in graph.variables} == {"state"}
    offsets = [plan.address(i)[1] for i in graph.variables]
    assert len(set(offsets)) == len(offsets) > 1
    assert not {p.buffer.key for p in plan.placed if p.buffer.role == "tensor"} & set(graph.variables)
    views = [plan.view(operand) for step in program.steps for operand in step.call.state]
    assert {view.memory for view in views} == {"state"}
    rng = np.random.default_rng(5)
    borders = [graph.tensors[i] for i in graph.inputs]
    samples = [[rng.integers(-99, 99, t.shape).astype(t.dtype.value) for t in borders] for _ in range(4)]
    (model,) = compile_plans([plan], tmp_path).values()
    model.reset()
    for sample, wanted in zip(samples, reference.run_sequence(graph, samples), strict=True):
        assert not difference(model.run(sample, keep_state=True), wanted)

"""Any schedule gives the same result: layers cut into blocks and streamed together at random, and what the planner
chooses, each layer compared with the reference row by row as it is computed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.random import Generator

from tests.exact.branches import branch_networks
from tests.exact.cases import ALIASES, GENERATORS, NIGHTLY, Case, cases
from tests.exact.networks import networks
from tests.support.c_build import plan_of
from tests.support.compare import difference
from tests.support.trace import TracedModels, expected_calls
from tinygen import reference
from tinygen.errors import TinygenError
from tinygen.ir import Array
from tinygen.kernels import Program, build_program
from tinygen.kernelsets import PORTABLE, Target
from tinygen.passes import run_passes
from tinygen.plan import Plan, make_plan, plan_schedule
from tinygen.plan.aliases import in_place
from tinygen.plan.order import ordered
from tinygen.plan.schedule import Segment, driver_of, streamable, writers
from tinygen.plan.search import OPTIMIZE

COUNT = 200 if NIGHTLY else 20


def random_schedule(program: Program, rng: Generator) -> tuple[Segment, ...]:
    """The steps cut into segments at random, each streamed at a random height where that is possible."""
    written, segments, first = writers(program), [], 0
    while first < len(program.steps):
        end, ready = first + 1, [streamable(program, written, first, first)]
        while end < len(program.steps) and ready[0] and rng.random() < 0.8:
            made = streamable(program, written, first, end)
            if not made:
                break
            ready.append(made)
            end += 1
        driver = driver_of(program, first)
        if ready[0] and driver is not None and (end > first + 1 or rng.random() < 0.8):
            height = int(rng.integers(1, 4))
            segments.append(Segment(first, end, height, driver.tensor, tuple(ready)))
        else:
            segments.append(Segment(first, end))
        first = end
    return tuple(segments)


def _used(program: Program) -> set[int]:
    """The tensors of which every row is read: of rows that nobody reads no more than one is ever kept."""
    unread: dict[int, Array] = {}
    for call in (step.call for step in program.steps):
        for index, operand in enumerate(call.inputs):
            rows = unread.setdefault(operand.tensor, np.ones(program.graph.tensors[operand.tensor].nbytes, bool))
            reads = call.reads_of(index)
            for first, last in zip(reads.first, reads.last, strict=True):
                whole = operand.images > 1 or call.output.images > 1
                rows[slice(None) if whole else slice(first * operand.row_bytes, last * operand.row_bytes)] = False
    return {tensor for tensor, rows in unread.items() if not rows.any()} | set(program.graph.outputs)


def _check(plans: list[Plan], chosen: list[Case], folder: Path) -> None:
    models = TracedModels(plans, folder)
    for case, plan in zip(chosen, plans, strict=True):
        for sample in case.samples:
            values = reference.run_all(plan.program.graph, sample)
            seen, calls = models.run(plan.program.graph.name, sample)
            for tensor in seen.keys() & _used(plan.program):
                value = seen[tensor]
                assert not (complaint := difference([value], [values[tensor]])), f"{case}: {complaint}"
            assert calls == expected_calls(plan)


@pytest.mark.parametrize("kind", sorted(set(GENERATORS) - ALIASES))
def test_operator_in_blocks(kind: str, tmp_path: Path) -> None:
    check_blocks(list(cases(kind, COUNT)), tmp_path)


def check_blocks(chosen: list[Case], folder: Path, target: Target = PORTABLE) -> None:
    """The cases by the target's kernels in random schedules; = numpy."""
    rng = np.random.default_rng(3)
    programs = [plan_of(case.graph, target).program for case in chosen]
    _check([plan_schedule(program, random_schedule(program, rng)) for program in programs], chosen, folder)


def test_networks_at_random(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    chosen = list(networks(COUNT))
    plans = [plan_schedule(p, random_schedule(p, rng)) for p in (plan_of(case.graph).program for case in chosen)]
    assert sum(segment.end - segment.first > 2 for plan in plans for segment in plan.segments) > COUNT / 4
    assert sum(p.buffer.ring_rows > 0 for plan in plans for p in plan.placed) > COUNT / 4
    _check(plans, chosen, tmp_path)


def test_networks_as_planned(tmp_path: Path) -> None:
    chosen, plans = [], []
    for case in networks(COUNT):
        for optimize in OPTIMIZE:
            graph = replace(case.graph, name=f"{case.graph.name}_{optimize}")
            plans.append(make_plan(build_program(run_passes(graph)), optimize))
            chosen.append(case)
    _check(plans, chosen, tmp_path)


def test_networks_that_take_rows(tmp_path: Path) -> None:
    chosen, plans = [], []
    for case in networks(2 * COUNT):
        program = plan_of(case.graph).program
        try:
            plans.append(make_plan(program, "ram", by_rows=True))
        except TinygenError:
            continue  # several inputs, or a first layer that needs all of it
        chosen.append(case)
    assert len(chosen) >= COUNT / 2
    assert any(plan.view(plan.pushed).ring_rows < plan.pushed.rows for plan in plans if plan.pushed)
    _check(plans, chosen, tmp_path)


def test_pieces_in_their_place(tmp_path: Path) -> None:
    """Networks of concatenations and splits: as planned, by rows where that goes, and at random without copies."""
    rng = np.random.default_rng(9)
    chosen, plans = [], []
    for case in branch_networks(COUNT // 3):
        graph = run_passes(case.graph)
        for optimize in ("ram", "speed", "random", "rows"):
            program = build_program(replace(graph, name=f"{graph.name}_{optimize}"))
            try:
                if optimize == "random":
                    program = ordered(in_place(program))
                    plans.append(plan_schedule(program, random_schedule(program, rng)))
                else:
                    plans.append(make_plan(program, "speed" if optimize == "speed" else "ram", optimize == "rows"))
            except TinygenError:
                continue  # cannot take rows
            chosen.append(case)
    assert sum(bool(plan.program.saved) for plan in plans) > COUNT / 2
    assert sum(plan.pushed is not None for plan in plans) > COUNT / 8
    _check(plans, chosen, tmp_path)

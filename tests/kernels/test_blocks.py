"""Any cut of a layer's rows into blocks gives the same result: what row-streamed schedules will rely on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.random import Generator

from tests.exact.cases import GENERATORS, NIGHTLY, Case, cases
from tests.exact.networks import networks
from tests.support.c_build import plan_of
from tests.support.compare import difference
from tests.support.trace import TracedModels, expected_calls
from tinygen import reference
from tinygen.plan import Plan

COUNT = 200 if NIGHTLY else 20


def random_blocks(rows: int, rng: Generator) -> tuple[tuple[int, int], ...]:
    """[0, rows) cut at random places: all single rows, a few cuts, or none."""
    wanted = int(rng.choice((rows - 1, rng.integers(0, rows))))
    cuts = [0, *sorted(int(c) for c in rng.choice(np.arange(1, rows), wanted, replace=False)), rows]
    return tuple(zip(cuts[:-1], cuts[1:], strict=True))


def _split(plan: Plan, rng: Generator) -> Plan:
    steps = tuple(replace(step, blocks=random_blocks(step.step.call.rows, rng)) for step in plan.steps)
    return replace(plan, steps=steps)


def _carries_over_images(case: Case) -> bool:
    plan = plan_of(case.graph)
    return any(s.step.call.carry_bytes and s.step.call.output.images > 1 for s in plan.steps)


def _check(chosen: list[Case], folder: Path) -> None:
    rng = np.random.default_rng(3)
    plans = [_split(plan_of(case.graph), rng) for case in chosen]
    models = TracedModels(plans, folder)
    assert sum(len(step.blocks) > 1 for plan in plans for step in plan.steps) >= len(plans) / 3
    for case, plan in zip(chosen, plans, strict=True):
        for sample in case.samples:
            values = reference.run_all(plan.program.graph, sample)
            seen, calls = models.run(case.name, sample)
            for tensor, value in seen.items():
                assert not (complaint := difference([value], [values[tensor]])), f"{case}: {complaint}"
            assert calls == expected_calls(plan)


@pytest.mark.parametrize("kind", sorted(set(GENERATORS) - {"RESHAPE"}))
def test_operator(kind: str, tmp_path: Path) -> None:
    _check([case for case in cases(kind, COUNT) if not _carries_over_images(case)], tmp_path)


def test_networks(tmp_path: Path) -> None:
    _check([case for case in networks(COUNT) if not _carries_over_images(case)], tmp_path)


@pytest.mark.xfail(strict=True, reason="model.c.j2 runs all images of a block before the next block: carry is shared")
def test_mean_of_several_images(tmp_path: Path) -> None:
    _check([case for case in cases("MEAN") if _carries_over_images(case)], tmp_path)

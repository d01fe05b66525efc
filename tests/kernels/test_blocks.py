"""Any cut of a layer's rows into blocks gives the same result: what row-streamed schedules will rely on."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.random import Generator

from tests.exact.cases import ALIASES, GENERATORS, NIGHTLY, Case, cases
from tests.exact.networks import networks
from tests.support.c_build import plan_of
from tests.support.compare import difference
from tests.support.trace import TracedModels, expected_calls
from tinygen import reference
from tinygen.plan import Plan

COUNT = 200 if NIGHTLY else 20


def random_blocks(rows: int, rng: Generator) -> tuple[tuple[int, int], ...]:
    """[0, rows) cut at random places: all single rows, a few cuts, or none."""
    wanted = rows - 1 if rng.random() < 0.5 else int(rng.integers(0, rows))
    cuts = [0, *sorted(int(c) for c in rng.choice(np.arange(1, rows), wanted, replace=False)), rows]
    return tuple(pairwise(cuts))


def _split(plan: Plan, rng: Generator) -> Plan:
    steps = tuple(replace(step, blocks=random_blocks(step.step.call.rows, rng)) for step in plan.steps)
    return replace(plan, steps=steps)


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


@pytest.mark.parametrize("kind", sorted(set(GENERATORS) - ALIASES))
def test_operator(kind: str, tmp_path: Path) -> None:
    _check(list(cases(kind, COUNT)), tmp_path)


def test_networks(tmp_path: Path) -> None:
    _check(list(networks(COUNT)), tmp_path)

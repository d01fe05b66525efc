"""Streaming over time: each hop equals the unmodified model on the window that ends there, to the bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.exact.cases import NIGHTLY
from tests.exact.networks import networks
from tests.exact.streams import stream_networks
from tests.support.c_build import CModel, plan_of
from tests.support.hops import HopModel, compile_hops, frames_of, hop_plan_of, stream_complaint
from tests.support.reference_models import needs_models, reference_model
from tinygen.errors import TinygenError
from tinygen.plan import Plan
from tinygen.plan.search import OPTIMIZE

COUNT = 200 if NIGHTLY else 20


@needs_models
@pytest.mark.parametrize(("name", "hop", "most_rows"), [("str_ww_ref_model", 1, 0.06), ("kws_ref_model", 2, 0.45)])
def test_reference_models_over_a_thousand_hops(name: str, hop: int, most_rows: float, tmp_path: Path) -> None:
    whole = plan_of(reference_model(name))
    hops = [hop_plan_of(whole, hop, optimize) for optimize in ("ram", "speed")]
    library = compile_hops([whole], hops, tmp_path, ("-O3",))
    frames = frames_of(whole.program.graph, 1000 * hop, np.random.default_rng(1))
    for plan in hops:
        assert not stream_complaint(CModel(library, whole.program.graph), HopModel(library, plan), frames, 100)
    fastest = hops[-1].hop
    assert fastest is not None
    macs = sum(s.macs * fastest.rows_computed(i) // s.call.rows for i, s in enumerate(whole.steps))
    assert macs <= most_rows * whole.program.macs


def _streaming(whole: list[Plan], rng: np.random.Generator) -> list[tuple[Plan, Plan]]:
    """Each plan with one that streams it, by a hop and a kind at random; those that cannot are left out."""
    found = []
    for plan in whole:
        window = plan.program.graph.tensors[plan.program.graph.inputs[0]].shape[1]
        for hop in rng.permutation(np.arange(1, window))[:3].tolist():
            try:
                found.append((plan, hop_plan_of(plan, hop, str(rng.choice(OPTIMIZE)))))
            except TinygenError:
                continue
    return found


def _check(pairs: list[tuple[Plan, Plan]], folder: Path, hops: int) -> None:
    rng = np.random.default_rng(7)
    whole = {plan.program.graph.name: plan for plan, _ in pairs}
    library = compile_hops(list(whole.values()), [plan for _, plan in pairs], folder, ("-O1",))
    for plan, streaming in pairs:
        assert streaming.hop is not None
        model, unmodified = HopModel(library, streaming), CModel(library, plan.program.graph)
        for _ in range(2):  # also behind a reset
            count = (hops + streaming.hop.hops) * streaming.hop.frames
            frames = frames_of(plan.program.graph, count, rng)
            assert not stream_complaint(unmodified, model, frames, 5)
            model.reset()


def test_networks(tmp_path: Path) -> None:
    graphs = [case.graph for case in networks(2 * COUNT) if len(case.graph.inputs) == 1]
    pairs = _streaming([plan_of(graph) for graph in graphs], np.random.default_rng(5))
    assert len(pairs) >= COUNT / 3
    _check(pairs, tmp_path, 6)


def test_streams(tmp_path: Path) -> None:
    pairs = _streaming([plan_of(graph) for graph in stream_networks(COUNT)], np.random.default_rng(6))
    assert len(pairs) > COUNT
    hops = [streaming.hop for _, streaming in pairs if streaming.hop]
    assert sum(any(len(s.ranges) > 1 for s in hop.segments) for hop in hops) > COUNT / 3
    assert sum(any(0 < k.depth < k.unit.rows for k in hop.kept.values()) for hop in hops) > COUNT / 3
    assert sum(len(hop.kept) > 2 for hop in hops) > COUNT / 3
    _check(pairs, tmp_path, 10)

"""Whatever a tuning file may name is exact: random kernels and schedules of random networks, read back from a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.exact.cases import NIGHTLY
from tests.exact.networks import networks
from tests.support.c_build import CModel, shared_library, write_library
from tests.support.compare import difference
from tests.support.models import conv_model
from tinygen import reference
from tinygen.ir import Graph
from tinygen.kernels import build_program, lowered
from tinygen.kernelsets import Target, candidates
from tinygen.load.tflite import parse_tflite
from tinygen.passes import run_passes
from tinygen.plan import Plan, make_plan, plan_schedule
from tinygen.plan.order import variants
from tinygen.plan.search import frontier
from tinygen.samples import random_samples
from tinygen.tune_search import schedule_of
from tinygen.tuned import Tuned, TuneFile, load_tune_file, save_tune_file
from tinygen.verify import verify

COUNT = 300 if NIGHTLY else 24
_SHA256 = "0" * 64


def drawn_plan(graph: Graph, rng: np.random.Generator, folder: Path) -> tuple[Plan, Target]:
    """A plan by a tuning file with candidates and a schedule that were drawn; and its target."""
    target = Target("armv7em", "speed")
    graph = run_passes(verify(graph))
    choices = [tuple(candidates(call, target)) for call in lowered(graph)]
    names = tuple(str(rng.choice(choice)) for choice in choices)
    tuned = Target("armv7em", "speed", names)
    points = frontier((variants(build_program(graph, tuned))[0],))
    drawn = points[rng.integers(len(points))]
    plan = plan_schedule(drawn.program, drawn.segments)
    entry = Tuned("board", "speed", "gcc", names, schedule_of(plan.segments), plan.arena_bytes, "cycles", 1)
    save_tune_file(folder / "tune.json", TuneFile(_SHA256, (entry,)))
    (read,) = load_tune_file(folder / "tune.json").tuned
    assert read == entry
    program = build_program(graph, Target("armv7em", "speed", read.kernels))
    again = make_plan(program, "speed", schedule=read.schedule)
    assert again.arena_bytes == plan.arena_bytes
    assert [step.call.kernel for step in again.steps] == [step.call.kernel for step in plan.steps]
    return again, tuned


def test_tuned_plans_are_exact(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    graphs = [case.graph for case in networks(COUNT)]
    graphs += [verify(parse_tflite(conv_model(seed), f"conv_{seed}", "conv")) for seed in range(max(8, COUNT // 5))]
    drawn = [drawn_plan(graph, rng, tmp_path) for graph in graphs]
    library = shared_library([write_library(plan, tmp_path) for plan, _ in drawn], tmp_path)
    for graph, (plan, _) in zip(graphs, drawn, strict=True):
        if any(segment.pushed for segment in plan.segments):
            continue
        for inputs in random_samples(graph, 3).inputs:
            complaint = difference(CModel(library, graph).run(inputs), reference.run(graph, inputs))
            assert not complaint, f"{graph.name}, {plan.program.target.tuned}: {complaint}"
    used = {name.partition(":")[0] for _, target in drawn for name in target.tuned}
    assert {"conv_3x3_winograd_s8_dsp", "conv_2d_s8_dsp", "conv_2d_s8", "pointwise_s8_dsp"} <= used
    assert sum(any(s.height for s in plan.segments) for plan, _ in drawn) > 0
    assert sum(any(s.backwards for s in plan.segments) for plan, _ in drawn) > 0

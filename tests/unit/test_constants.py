"""Constants in several flashes: the hot ones in the fast one, no byte more than it has, and the C says where."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.exact.networks import networks
from tests.support.c_build import compile_plans, plan_of, write_library
from tests.support.compare import difference
from tests.support.everything_state import filter_model
from tinygen import reference
from tinygen.kernels import build_program
from tinygen.load.tflite import parse_tflite
from tinygen.plan import Plan, make_plan
from tinygen.regions import Region, left_over
from tinygen.verify import verify


def split(plan: Plan, share: float) -> Plan:
    """The same model, planned for a fast flash that holds such a share of its constants."""
    fast = int(plan.program.const_bytes * share)
    regions = [Region("FAST", fast, "", flash=True), Region("SLOW", 1 << 20, ".slow", flash=True)]
    return make_plan(build_program(plan.program.graph), regions=regions)


def test_every_constant_lies_somewhere(tmp_path: Path) -> None:
    plans = [split(plan_of(case.graph), 0.5) for case in networks(12)]
    models = compile_plans(plans, tmp_path)
    for case, plan in zip(networks(12), plans, strict=True):
        fast, slow = plan.flash
        assert fast.fits
        assert (
            plan.program.const_bytes <= fast.bytes + slow.bytes < plan.program.const_bytes + 4 * len(plan.flash_of) + 1
        )
        assert plan.regions == ()  # no arena in flash
        text = (tmp_path / case.name / "src" / f"{case.name}_weights.h").read_text()
        assert text.count('section(".slow")') == sum(plan.flash_of.values())
        for sample in case.samples[:2]:
            assert not difference(models[case.name].run(sample), reference.run(case.graph, sample))
    assert sum(bool(plan.flash[1].bytes) for plan in plans) > 6


def test_the_hot_ones_are_in_fast_flash() -> None:
    """Biases and multipliers are read once for each output as weights are, and are small."""
    for case in networks(20):
        plan = split(plan_of(case.graph), 0.3)
        for index, step in enumerate(plan.steps):
            sizes = {c.field: c.values.nbytes for c in step.call.constants}
            for large in sizes:
                for small in sizes:
                    if sizes[small] < sizes[large] and not plan.flash_of["layer", index, large]:
                        assert not plan.flash_of["layer", index, small]


def test_initial_values_are_the_coldest() -> None:
    program = build_program(verify(parse_tflite(filter_model(), "filter", "filter")))
    graph = program.graph
    started = [t for t in graph.variables if graph.tensors[t].initial_fill is None]
    plan = make_plan(
        program, regions=[Region("FAST", program.const_bytes - 1, "", flash=True), Region("SLOW", 1, ".s", flash=True)]
    )
    assert all(plan.flash_of["state", t, ""] for t in started)


def test_a_second_model_gets_what_is_left(tmp_path: Path) -> None:
    case = networks(1)[0]
    plan = split(plan_of(case.graph), 0.5)
    regions = [use.region for use in plan.flash]
    left = left_over(regions, plan.flash)
    assert [r.bytes for r in left] == [u.region.bytes - u.bytes for u in plan.flash]
    other = make_plan(build_program(replace(case.graph, name="other")), regions=left)
    assert plan.flash[0].bytes + other.flash[0].bytes <= regions[0].bytes
    write_library(other, tmp_path)

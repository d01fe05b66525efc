"""Whole models, random ones and the MLPerf Tiny reference models: TFLM = numpy = C, layer by layer too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.exact.cases import STYLES
from tests.exact.networks import answers, networks
from tests.support.c_build import compile_graphs, plain_plan_of, plan_of
from tests.support.compare import difference
from tests.support.everything import everything_model
from tests.support.tflm import Tflm, needs_tflm
from tests.support.trace import TracedModels, expected_calls
from tinygen import reference
from tinygen.ir import Graph
from tinygen.load.tflite import load_tflite, parse_tflite
from tinygen.verify import verify

REPOSITORY = Path(__file__).resolve().parents[2]
MODELS = REPOSITORY.parent / "shared" / "models"
REFERENCE_MODELS = ("kws_ref_model", "pretrainedResnet_quant", "vww_96_int8", "ad01_int8", "str_ww_ref_model")
INFERENCES = 50


@needs_tflm
def test_networks(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    cases = networks()
    models = compile_graphs([case.graph for case in cases], tmp_path, ("-O3",))
    wrong = []
    with Tflm() as tflm:
        for case in cases:
            for sample, wanted in zip(case.samples, tflm.run(case.tflite, case.samples), strict=True):
                for who, got in (("numpy", reference.run(case.graph, sample)), ("C", models[case.name].run(sample))):
                    if complaint := difference(got, wanted):
                        wrong.append(f"{case.name}: {who} {complaint} (TFLM)")
    record_property("exact", f"NETWORK: {len(cases)} models, {len(STYLES) * len(cases)} inferences, {len(wrong)} wrong")
    assert not wrong, "\n".join(wrong[:5])


def test_networks_cover() -> None:
    graphs = [case.graph for case in networks()]
    assert sum(len(g.inputs) > 1 for g in graphs) > 5
    assert sum(len(g.outputs) > 1 for g in graphs) > 5
    assert sum(any(kinds.count("ADD") > 1 for kinds in [[op.kind for op in g.ops]]) for g in graphs) > 5
    assert max(len(g.ops) for g in graphs) > 10
    assert sum(answers(case) > 3 for case in networks()) > 0.9 * len(graphs)


@needs_tflm
def test_every_layer_of_networks(tmp_path: Path) -> None:
    cases = networks(20)
    traced = TracedModels([plain_plan_of(case.graph) for case in cases], tmp_path)
    with Tflm() as tflm:
        for case in cases:
            _compare_layers(case.graph, traced, case.tflite, case.samples[0], tflm)


def _compare_layers(
    graph: Graph, traced: TracedModels, content: bytes, sample: tuple[np.ndarray, ...], tflm: Tflm
) -> None:
    plan = traced.plans[graph.name]
    values = reference.run_all(graph, sample)
    judged = tflm.tensors(content, sample, [op.outputs[0] for op in graph.ops])
    seen, calls = traced.run(graph.name, sample)
    for op in graph.ops:
        assert not (complaint := difference([values[op.outputs[0]]], [judged[op.outputs[0]]])), (op.name, complaint)
    for tensor, value in seen.items():
        assert not (complaint := difference([value], [values[tensor]])), (tensor, complaint)
    assert calls == expected_calls(plan)


@needs_tflm
def test_every_operator_in_one_model(tmp_path: Path) -> None:
    """Float and int8 at both borders, every operator in the middle."""
    content = everything_model(in_tflm=True)
    graph = verify(parse_tflite(content, "everything", "everything"))
    rng = np.random.default_rng(5)
    traced = TracedModels([plain_plan_of(graph)], tmp_path)
    with Tflm() as tflm:
        for _ in range(10):
            sample = (
                rng.normal(0, 1, (1, 6, 5, 2)).astype(np.float32),
                rng.integers(-128, 128, (1, 6, 5, 2)).astype(np.int8),
            )
            _compare_layers(graph, traced, content, sample, tflm)


@pytest.fixture(params=REFERENCE_MODELS)
def reference_model(request: pytest.FixtureRequest) -> tuple[bytes, Graph]:
    path = MODELS / f"{request.param}.tflite"
    if not path.is_file():
        pytest.skip("the MLPerf Tiny models are not here (../shared/models)")
    return path.read_bytes(), verify(load_tflite(path, str(request.param).lower()).graph)


@needs_tflm
def test_reference_model(
    reference_model: tuple[bytes, Graph], tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    content, graph = reference_model
    rng = np.random.default_rng(1)
    shapes = [graph.tensors[i].shape for i in graph.inputs]
    samples = [tuple(rng.integers(-128, 128, s).astype(np.int8) for s in shapes) for _ in range(INFERENCES)]
    traced = TracedModels([plan_of(graph)], tmp_path, ("-O3",))
    model = compile_graphs([graph], tmp_path, ("-O3",))[graph.name]
    with Tflm() as tflm:
        for sample, wanted in zip(samples, tflm.run(content, samples), strict=True):
            assert not difference(reference.run(graph, sample), wanted)
            assert not difference(model.run(sample), wanted)
        _compare_layers(graph, traced, content, samples[0], tflm)
    record_property("exact", f"{graph.name}: {INFERENCES} inferences, 0 wrong")

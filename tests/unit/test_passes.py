"""Rewrites keep the outputs to the bit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.exact.networks import networks
from tests.support.c_build import compile_graphs, plan_of
from tests.support.compare import difference
from tests.support.tflite_builder import ModelBuilder
from tinygen import reference
from tinygen.errors import TinygenError
from tinygen.ir import Graph
from tinygen.load.tflite import parse_tflite
from tinygen.passes import PASSES, run_passes
from tinygen.verify import verify


@pytest.mark.parametrize("rewrite", PASSES)
def test_pass_keeps_outputs(rewrite: object) -> None:
    """On networks of which one input, where there are two, became constant."""
    assert callable(rewrite)
    for case in networks(20):
        graph, sample = case.graph, case.samples[0]
        if len(graph.inputs) > 1:
            first = graph.inputs[0]
            tensors = list(graph.tensors)
            tensors[first] = replace(tensors[first], data=sample[0])
            graph, sample = replace(graph, tensors=tuple(tensors), inputs=graph.inputs[1:]), sample[1:]
        rewritten = verify(rewrite(verify(graph)))
        assert not difference(reference.run(rewritten, sample), reference.run(graph, sample))


def _constant_branch(output_of_branch: bool) -> Graph:
    """x + relu(quantize(constant)); or that branch as an output of its own."""
    b = ModelBuilder()
    x = b.input((1, 2, 3, 4), 0.5, 1)
    constant = b.constant(np.arange(-12, 12, dtype=np.int8).reshape(1, 2, 3, 4), 0.25, 3)
    quantized, relu, y = b.tensor((1, 2, 3, 4), 0.5), b.tensor((1, 2, 3, 4), 0.25), b.tensor((1, 2, 3, 4), 0.75)
    b.op("QUANTIZE", [constant], [quantized])
    b.op("RELU", [quantized], [relu])
    b.op("ADD", [relu, x], [y], fusedActivationFunction=0)
    return verify(parse_tflite(b.build([y, relu] if output_of_branch else [y]), "branch", "branch"))


def test_constant_branch_is_folded(tmp_path: Path) -> None:
    graph = _constant_branch(False)
    folded = run_passes(graph)
    assert [op.kind for op in folded.ops] == ["ADD"]
    sample = [np.arange(24, dtype=np.int8).reshape(1, 2, 3, 4)]
    wanted = reference.run(graph, sample)
    assert not difference(reference.run(folded, sample), wanted)
    assert not difference(compile_graphs([graph], tmp_path)["branch"].run(sample), wanted)


def test_constant_output_is_computed(tmp_path: Path) -> None:
    """An output that depends on no input: odd, but right."""
    graph = _constant_branch(True)
    sample = [np.arange(24, dtype=np.int8).reshape(1, 2, 3, 4)]
    wanted = reference.run(graph, sample)
    assert not difference(reference.run(run_passes(graph), sample), wanted)
    assert not difference(compile_graphs([graph], tmp_path)["branch"].run(sample), wanted)


def test_reshaped_constant_output_is_refused() -> None:
    b = ModelBuilder()
    x = b.input((4,), 0.5)
    y, z = b.tensor((4,), 0.5), b.tensor((2, 2), 0.5)
    b.op("RELU", [x], [y])
    b.op("RESHAPE", [b.constant(np.zeros(4, np.int8), 0.5)], [z])
    with pytest.raises(TinygenError, match="output"):
        plan_of(verify(parse_tflite(b.build([y, z]), "m", "m")))

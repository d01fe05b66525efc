"""Every pass keeps the outputs to the bit, and takes out what it is there for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.exact.networks import networks
from tests.support.c_build import compile_graphs
from tests.support.compare import difference
from tests.support.tflite_builder import ModelBuilder
from tinygen import reference
from tinygen.ir import Graph
from tinygen.load.tflite import parse_tflite
from tinygen.passes import PASSES, run_passes
from tinygen.verify import verify


@pytest.mark.parametrize("rewrite", PASSES, ids=lambda p: p.__name__)
def test_a_pass_keeps_the_outputs_of_random_networks(rewrite: Callable[[Graph], Graph]) -> None:
    changed = 0
    for case in networks():
        graph = verify(rewrite(case.graph))
        changed += graph.ops != case.graph.ops
        for sample in case.samples:
            assert not difference(reference.run(graph, sample), reference.run(case.graph, sample)), case.name
    assert changed >= {"fold_pad": 2, "merge_tables": 2}.get(rewrite.__name__, 0)


def graph_of(b: ModelBuilder, *outputs: int) -> Graph:
    return verify(parse_tflite(b.build(outputs), "passes", "passes"))


def same(graph: Graph, tmp_path: Path, seed: int = 0) -> Counter[str]:
    """Operators after all passes; asserts that numpy and C give what the graph gave before."""
    rewritten = run_passes(graph)
    rng = np.random.default_rng(seed)
    c = compile_graphs([graph], tmp_path, ("-O1",))[graph.name]
    for _ in range(5):
        sample = tuple(
            rng.integers(-128, 128, graph.tensors[i].shape).astype(graph.tensors[i].dtype.value) for i in graph.inputs
        )
        wanted = reference.run(graph, sample)
        assert not difference(reference.run(rewritten, sample), wanted)
        assert not difference(c.run(sample), wanted)
    return Counter(op.kind for op in rewritten.ops)


def padded(b: ModelBuilder, x: int, pads: list[list[int]], scale: float = 0.5, zero_point: int = 7) -> int:
    shape = [n + a + c for n, (a, c) in zip(b.shape(x), pads, strict=True)]
    y = b.tensor(shape, scale, zero_point)
    b.op("PAD", [x, b.constant(np.array(pads, np.int32))], [y])
    return y


def convolution(b: ModelBuilder, x: int, kind: str = "CONV_2D", padding: int = 1, stride: int = 2) -> int:
    rng = np.random.default_rng(1)
    n, h, w, c = b.shape(x)
    shape = (3, 3, 3, c) if kind == "CONV_2D" else (1, 3, 3, c)
    weights = b.constant(rng.integers(-127, 128, shape).astype(np.int8), 0.01)
    size = [-(-s // stride) if padding == 0 else (s - 3) // stride + 1 for s in (h, w)]
    y = b.tensor((n, *size, 3 if kind == "CONV_2D" else c), 2.0, -5)
    extra = {} if kind == "CONV_2D" else {"depthMultiplier": 1}
    options = {"padding": padding, "strideH": stride, "strideW": stride, "dilationHFactor": 1, "dilationWFactor": 1}
    b.op(kind, [x, weights], [y], fusedActivationFunction=0, **options, **extra)
    return y


@pytest.mark.parametrize("kind", ["CONV_2D", "DEPTHWISE_CONV_2D"])
@pytest.mark.parametrize("pads", [(1, 1, 1, 1), (0, 1, 0, 1), (3, 0, 0, 4)])
def test_pad_goes_into_the_convolution(kind: str, pads: tuple[int, int, int, int], tmp_path: Path) -> None:
    b = ModelBuilder()
    x = b.input((2, 6, 5, 2), 0.5, 7)
    y = convolution(b, padded(b, x, [[0, 0], [*pads[:2]], [*pads[2:]], [0, 0]]), kind)
    assert same(graph_of(b, y), tmp_path) == {kind: 1}


def test_pad_stays_where_it_must(tmp_path: Path) -> None:
    pads = [[0, 0], [1, 1], [1, 1], [0, 0]]
    for build in (
        lambda b, x: [convolution(b, padded(b, x, pads), padding=0)],  # SAME pads again
        lambda b, x: [convolution(b, padded(b, x, [*pads[:3], [0, 1]]))],  # channels
        lambda b, x: [convolution(b, padded(b, x, pads, zero_point=8))],  # another zero point
        lambda b, x: [convolution(b, p := padded(b, x, pads)), p],  # also an output
        lambda b, x: [convolution(b, p := padded(b, x, pads)), convolution(b, p)],  # two readers
    ):
        b = ModelBuilder()
        outputs = build(b, b.input((1, 6, 5, 2), 0.5, 7))
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        assert same(graph_of(b, *outputs), folder)["PAD"] == 1


def test_quantize_that_changes_nothing_goes(tmp_path: Path) -> None:
    b = ModelBuilder()
    x = b.input((1, 40), 0.03, -9)
    real = b.tensor((1, 40), None, dtype="float32")
    again, third, y = b.tensor((1, 40), 0.03, -9), b.tensor((1, 40), 0.03, -9), b.tensor((1, 40), 0.05, 3)
    b.op("DEQUANTIZE", [x], [real])
    b.op("QUANTIZE", [real], [again])
    b.op("QUANTIZE", [again], [third])
    b.op("QUANTIZE", [third], [y])
    assert same(graph_of(b, y), tmp_path) == {"QUANTIZE": 1}


def test_a_chain_of_functions_is_one_table(tmp_path: Path) -> None:
    b = ModelBuilder()
    x = b.input((3, 20), 0.1, 4)
    first, second, y = b.tensor((3, 20), 0.08, -20), b.tensor((3, 20), 0.08, -20), b.tensor((3, 20), 0.05, -128)
    b.op("RELU", [x], [first])
    b.op("RELU6", [first], [second])
    b.op("QUANTIZE", [second], [y])
    assert same(graph_of(b, y), tmp_path) == {"TABLE": 1}


def test_what_nobody_reads_is_not_computed(tmp_path: Path) -> None:
    b = ModelBuilder()
    x = b.input((1, 6, 5, 2), 0.5, 7)
    convolution(b, convolution(b, x, padding=0), padding=0)
    y = b.tensor((1, 6, 5, 2), 0.25, 1)
    b.op("QUANTIZE", [x], [y])
    assert same(graph_of(b, y), tmp_path) == {"QUANTIZE": 1}

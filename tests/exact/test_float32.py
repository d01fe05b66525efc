"""Float islands: special values, int8 and float16 weights, whole models, borders of every type, and their report."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from tests.exact.cases import cases
from tests.exact.generators_float32 import NOT_IN_TFLM
from tests.support.c_build import compile_graphs, plan_of, write_library
from tests.support.compare import difference, distance
from tests.support.everything_float32 import graph as everything
from tests.support.tflite_builder import ModelBuilder
from tests.support.tflm import Tflm, needs_tflm
from tinygen import reference
from tinygen.errors import TinygenError
from tinygen.ir import Array, Graph
from tinygen.load.tflite import parse_tflite
from tinygen.ops import VARIANTS
from tinygen.ops.float32._unary import FloatUnary
from tinygen.report.float_islands import float_islands, island_lines
from tinygen.verify import verify

_SPECIAL = np.array(
    [0, -0.0, np.inf, -np.inf, np.nan, 1e-45, -1e-45, 1.1e-38, 3.4e38, -3.4e38, 8388607.5, -2147483648.0, 0.5, -2.5],
    np.float32,
)


def _graph(b: ModelBuilder, outputs: list[int], name: str = "m") -> Graph:
    return verify(parse_tflite(b.build(outputs), name, name))


def _equal(got: Array, wanted: Array) -> bool:
    """To the bit, but any NaN is as good as another."""
    same = got.view(np.uint32) == wanted.view(np.uint32)
    return bool((same | (np.isnan(got) & np.isnan(wanted))).all())


def test_special_values_of_unary_functions(tmp_path: Path) -> None:
    """No undefined behaviour on the way to integers, and numpy = C also there."""
    kinds = [kind for (kind, _), form in VARIANTS.items() if isinstance(form, FloatUnary)]
    assert len(kinds) > 20
    graphs = []
    for kind in kinds:
        b = ModelBuilder()
        y = b.tensor(_SPECIAL.shape, dtype="float32")
        b.op(kind, [b.input(_SPECIAL.shape, None, dtype="float32")], [y])
        graphs.append(_graph(b, [y], f"special_{kind.lower()}"))
    flags = ("-O1", "-fsanitize=undefined,float-cast-overflow", "-fsanitize-undefined-trap-on-error")
    models = compile_graphs(graphs, tmp_path, flags)
    for graph in graphs:
        (got,), (wanted,) = models[graph.name].run([_SPECIAL]), reference.run(graph, [_SPECIAL])
        assert _equal(got, wanted), (graph.name, got, wanted)
        assert np.isnan(got[4]), graph.name


@pytest.mark.parametrize("kind", ["ADD", "DIV", "MAXIMUM", "MINIMUM", "MUL", "SQUARED_DIFFERENCE", "SUB"])
def test_special_values_of_binary_functions(kind: str, tmp_path: Path) -> None:
    b = ModelBuilder()
    n = _SPECIAL.size
    y = b.tensor((n, n), dtype="float32")
    b.op(kind, [b.input((n, 1), None, dtype="float32"), b.input((n,), None, dtype="float32")], [y])
    graph = _graph(b, [y])
    sample = [_SPECIAL.reshape(n, 1), _SPECIAL]
    model = compile_graphs([graph], tmp_path, ("-O3",))["m"]
    assert _equal(model.run(sample)[0], reference.run(graph, sample)[0])


@pytest.mark.parametrize("kind", sorted(NOT_IN_TFLM - {"REDUCE_PROD float32", "SELECT float32"}))
def test_functions_that_tflm_lacks(kind: str) -> None:
    for case in cases(kind, 20):
        for sample in case.samples:
            (got,) = reference.run(case.graph, sample)
            x = sample[0].astype(np.float64)
            if kind.startswith("GELU"):
                inner = [math.sqrt(2 / math.pi) * (v + 0.044715 * v**3) for v in x.flat]
                approximate = case.graph.ops[0].options.approximate
                gates = [0.5 + 0.5 * math.tanh(i) for i in inner] if approximate else []
                gates = gates or [0.5 * math.erfc(-v / math.sqrt(2)) for v in x.flat]
                wanted = x * np.array(gates).reshape(x.shape)
            else:
                wanted = np.clip(x, -1 if "N1" in kind else 0, 1)
            assert not distance([got], [wanted.astype(np.float32)])


def _both_ways(weights: Array, scale: float | list[float] | None, is_stored: bool) -> tuple[Graph, Array]:
    """A dense layer on weights as they are, or behind DEQUANTIZE; and the weights as float32."""
    b = ModelBuilder()
    x, y = b.input((2, 6), None, dtype="float32"), b.tensor((2, 4), dtype="float32")
    w = b.constant(weights, scale)
    if is_stored:
        real = b.tensor((4, 6), dtype="float32")
        b.op("DEQUANTIZE", [w], [real])
        w = real
    b.op("FULLY_CONNECTED", [x, w], [y])
    each = np.ones(1) if scale is None else np.atleast_1d(np.array(scale, np.float32))
    return _graph(b, [y]), (weights.astype(np.float64) * each.astype(np.float64)[:, None]).astype(np.float32)


@pytest.mark.parametrize("is_stored", [False, True])
@pytest.mark.parametrize("kind", ["int8", "int8 per channel", "float16"])
def test_narrow_weights(kind: str, is_stored: bool, tmp_path: Path) -> None:
    """int8 weights of a float layer (dynamic range), and constants behind DEQUANTIZE, count as the floats they mean."""
    rng = np.random.default_rng(5)
    if kind == "float16":
        if not is_stored:
            pytest.skip("converters put DEQUANTIZE behind float16")
        weights, scale = rng.normal(0, 1, (4, 6)).astype(np.float16), None
    else:
        weights = rng.integers(-127, 128, (4, 6)).astype(np.int8)
        scale = [0.01, 0.02, 0.05, 0.03] if "channel" in kind else 0.02
    graph, real = _both_ways(weights, scale, is_stored)
    sample = [rng.normal(0, 1, (2, 6)).astype(np.float32)]
    (got,) = reference.run(graph, sample)
    assert np.allclose(got, sample[0].astype(np.float64) @ real.T.astype(np.float64), rtol=0, atol=1e-5)
    plan = plan_of(graph)
    assert [step.op.kind for step in plan.steps] == ["FULLY_CONNECTED"]
    assert not difference(compile_graphs([graph], tmp_path)["m"].run(sample), [got])


def test_weights_that_are_no_numbers_are_refused() -> None:
    weights = np.ones((4, 6), np.float32)
    weights[1, 2] = np.inf
    b = ModelBuilder()
    y = b.tensor((2, 4), dtype="float32")
    b.op("FULLY_CONNECTED", [b.input((2, 6), None, dtype="float32"), b.constant(weights)], [y])
    with pytest.raises(TinygenError, match="infinite or not a number"):
        _graph(b, [y])


def test_constants_that_are_no_numbers_keep_their_bits(tmp_path: Path) -> None:
    b = ModelBuilder()
    y = b.tensor((4,), dtype="float32")
    constant = b.constant(np.array([np.inf, -np.inf, np.nan, 1e-45], np.float32))
    b.op("MAXIMUM", [b.input((4,), None, dtype="float32"), constant], [y])
    graph = _graph(b, [y])
    sample = [np.array([1, 1, 1, 0], np.float32)]
    assert _equal(compile_graphs([graph], tmp_path)["m"].run(sample)[0], reference.run(graph, sample)[0])


def _content(border: str) -> bytes:
    """int8 inside, a softmax of exponentials in float; `border` is the type of the input and of the output."""
    b = ModelBuilder()
    scale = None if border == "float32" else 0.02
    x = b.input((3, 8), scale, {"uint8": 128, "int8": -3, "float32": 0}[border], dtype=border)
    inner = b.tensor((3, 8), 0.02, 0)
    b.op("QUANTIZE", [x], [inner])
    real, e, total = (b.tensor((3, n), dtype="float32") for n in (8, 8, 1))
    b.op("DEQUANTIZE", [inner], [real])
    b.op("EXP", [real], [e])
    b.op("SUM", [e, b.constant(np.array([1], np.int32))], [total], keepDims=True)
    part = b.tensor((3, 8), dtype="float32")
    b.op("DIV", [e, total], [part], fusedActivationFunction=0)
    y = part
    if border != "float32":
        y = b.tensor((3, 8), 1 / 256, -128)
        b.op("QUANTIZE", [part], [y])
    if border == "uint8":
        inner, y = y, b.tensor((3, 8), 1 / 256, 0, dtype="uint8")
        b.op("QUANTIZE", [inner], [y])
    return b.build([y])


def _island(border: str) -> Graph:
    name = f"island_{border}"
    return verify(parse_tflite(_content(border), name, name))


@pytest.mark.parametrize("border", ["int8", "uint8", "float32"])
def test_island(border: str, tmp_path: Path) -> None:
    graph = _island(border)
    (line,) = island_lines(plan_of(graph).program.graph)
    assert line == "float island: 3 operators (EXP, SUM, DIV), 72 float operations; quantize them to run faster"
    header = write_library(plan_of(graph), tmp_path).with_suffix(".h").read_text()
    c_type = {"float32": "float"}.get(border, f"{border}_t")
    assert f"\n{c_type} *island_{border}_input(int index);" in header
    assert f"\n{c_type} *island_{border}_output(int index);" in header
    model = compile_graphs([graph], tmp_path)[graph.name]
    rng = np.random.default_rng(1)
    drawn = rng.normal(0, 1, (3, 8)) if border == "float32" else rng.integers(0, 100, (3, 8))
    sample = [drawn.astype(border)]
    got = model.run(sample)
    assert not difference(got, reference.run(graph, sample))
    scale = 1.0 if border == "float32" else 1 / 256
    zero = -128 if border == "int8" else 0
    assert np.allclose(((got[0].astype(np.float64) - zero) * scale).sum(axis=1), 1, atol=0.02)


def test_report() -> None:
    graph = plan_of(everything()).program.graph
    (island,) = float_islands(graph)
    convolution = next(op for op in graph.ops if op.kind == "CONV_2D")
    assert island.macs > VARIANTS["CONV_2D", graph.output(convolution).dtype].macs(graph, convolution) > 0
    assert island.operations > 2 * island.macs
    assert "DEQUANTIZE" not in island.operators
    assert not float_islands(plan_of(_graph(*_int8_model())).program.graph)


def _int8_model() -> tuple[ModelBuilder, list[int]]:
    b = ModelBuilder()
    y = b.tensor((4,), dtype="float32")
    b.op("DEQUANTIZE", [b.input((4,), 0.1)], [y])
    return b, [y]


@needs_tflm
@pytest.mark.parametrize("border", ["int8", "uint8", "float32"])
def test_island_as_tflm(border: str) -> None:
    """Rounding to int8 hides the last digits, but for a step now and then."""
    graph = _island(border)
    rng = np.random.default_rng(2)
    drawn = rng.normal(0, 1, (3, 8)) if border == "float32" else rng.integers(0, 100, (3, 8))
    sample = [drawn.astype(border)]
    with Tflm() as tflm:
        (wanted,) = tflm.run(_content(border), [sample])
    (got,) = reference.run(graph, sample)
    if border == "float32":
        assert not distance([got], wanted)
    else:
        assert np.abs(got.astype(int) - wanted[0].astype(int)).max() <= 1

"""Reductions, matrix products, transposed convolution, resizing and int4 weights: what tests of all operators leave
out. Long CUMSUMs against float64, int4 weights against TFLM, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from tests.exact import layers
from tests.exact.cases import cases
from tests.support.c_build import compile_graphs, plan_of
from tests.support.compare import difference
from tests.support.tflite_builder import ModelBuilder, pack
from tests.support.tflm import Refused, Tflm, needs_tflm
from tinygen import reference
from tinygen.errors import TinygenError
from tinygen.ir import Graph, Op
from tinygen.load.tflite import parse_tflite
from tinygen.verify import verify

_INT32 = schema.TensorType.INT32


def _graph(content: bytes, name: str = "m") -> Graph:
    return verify(parse_tflite(content, name, name))


def _inner_axis_kept(graph: Graph, op: Op) -> bool:
    data = graph.required(op, 1).data
    rank = len(graph.required(op, 0).shape)
    assert data is not None
    return rank - 1 not in {int(a) % rank for a in data.flat}


# What random drawing must have hit, beside what the options are
_COVER: dict[str, dict[str, Callable[[Graph, Op], bool]]] = {
    **{
        kind: {
            "keep_dims": lambda g, op: op.options.keep_dims,
            "no keep_dims": lambda g, op: not op.options.keep_dims,
            "inner axis kept": _inner_axis_kept,
            "inner axis reduced": lambda g, op: not _inner_axis_kept(g, op),
            "rank 5": lambda g, op: len(g.required(op, 0).shape) == 5,
            "rank 1": lambda g, op: len(g.required(op, 0).shape) == 1,
            "negative axis": lambda g, op: bool((g.required(op, 1).data < 0).any()),
            "scalar axis": lambda g, op: g.required(op, 1).shape == (),
            "three axes": lambda g, op: g.required(op, 1).elements > 2,
            "several rows": lambda g, op: plan_of(g).steps[0].call.rows > 1,
        }
        for kind in ("SUM", "MEAN", "REDUCE_MAX", "REDUCE_MIN")
    },
    **{
        kind: {
            "inner": lambda g, op: g.output(op).elements > plan_of(g).steps[0].call.rows > 1,
            "one row": lambda g, op: plan_of(g).steps[0].call.rows == 1,
        }
        for kind in ("ARG_MAX", "ARG_MIN")
    },
    "CUMSUM": {
        f"{a} {b}": lambda g, op, a=a, b=b: (op.options.exclusive, op.options.reverse) == (a, b)
        for a in (False, True)
        for b in (False, True)
    },
    "BATCH_MATMUL": {
        "adj_x": lambda g, op: op.options.adj_x,
        "adj_y": lambda g, op: op.options.adj_y,
        "constant left": lambda g, op: g.required(op, 0).data is not None,
        "constant right": lambda g, op: g.required(op, 1).data is not None,
        "rank 5": lambda g, op: len(g.output(op).shape) == 5,
        "ranks differ": lambda g, op: len(g.required(op, 0).shape) != len(g.required(op, 1).shape),
        "left repeated": lambda g, op: g.required(op, 0).shape[0] == 1 < g.output(op).shape[0],
        "right repeated": lambda g, op: g.required(op, 1).shape[0] == 1 < g.output(op).shape[0],
    },
    "TRANSPOSE_CONV": {
        "SAME": lambda g, op: op.options.padding == "SAME",
        "VALID": lambda g, op: op.options.padding == "VALID",
        "stride beyond kernel": lambda g, op: op.options.stride[0] > g.required(op, 1).shape[1],
        "no bias": lambda g, op: len(op.inputs) == 3,
        "bias": lambda g, op: len(op.inputs) == 4,
        "batch": lambda g, op: g.output(op).shape[0] > 1,
        "per channel": lambda g, op: g.required(op, 1).quantization.per_channel,
        "per tensor": lambda g, op: not g.required(op, 1).quantization.per_channel,
        **{a: (lambda g, op, a=a: op.options.activation == a) for a in ("NONE", "RELU", "RELU6", "RELU_N1_TO_1")},
    },
    "RESIZE_BILINEAR": {
        "align_corners": lambda g, op: op.options.align_corners,
        "half_pixel_centers": lambda g, op: op.options.half_pixel_centers,
        "smaller": lambda g, op: g.output(op).shape[1] < g.required(op, 0).shape[1],
        "larger": lambda g, op: g.output(op).shape[1] > g.required(op, 0).shape[1] > 1,
        "to one": lambda g, op: 1 in g.output(op).shape[1:3],
        "batch": lambda g, op: g.output(op).shape[0] > 1,
    },
}


@pytest.mark.parametrize("kind", _COVER)
def test_cases_cover(kind: str) -> None:
    graphs = [case.graph for case in cases(kind)]
    counts = {name: sum(bool(holds(g, g.ops[0])) for g in graphs) for name, holds in _COVER[kind].items()}
    assert min(counts.values()) >= 2, counts


@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize(("length", "scale"), [(16, 0.5), (40, 9.0), (5000, 700.0), (5000, 3000.0), (5000, 1e-3)])
def test_long_cumsum(length: int, scale: float, exclusive: bool, tmp_path: Path) -> None:
    """Where TFLM's 32-bit sum overflows: the exact sum (which begins at minus the zero point), to one rounding."""
    b = ModelBuilder()
    x, y = b.input((2, length), 0.25, -100), b.tensor((2, length), 0.25 * scale, 5)
    b.op("CUMSUM", [x, b.constant(np.array(1, np.int32))], [y], exclusive=exclusive)
    graph = _graph(b.build([y]), "cumsum")
    flags = ("-fsanitize=undefined", "-fsanitize-undefined-trap-on-error")
    model = compile_graphs([graph], tmp_path, flags)["cumsum"]
    rng = np.random.default_rng(length)
    for sample in (rng.integers(-128, 128, (2, length)), np.full((2, length), 127), np.full((2, length), -128)):
        (got,) = reference.run(graph, [sample.astype(np.int8)])
        assert not difference(model.run([sample.astype(np.int8)]), [got])
        steps = sample + 100
        sums = 100.0 + steps.cumsum(axis=1) - (steps if exclusive else 0)
        wanted = np.clip(sums / float(np.float32(0.25 * scale)) * 0.25 + 5, -128, 127)
        assert np.abs(got - wanted).max() <= 0.5001


def _int4_model(kind: str, seed: int) -> tuple[bytes, bytes, tuple[int, ...]]:
    """(a random layer with int4 weights, the same with int8 ones of the same values, the input's shape)."""
    rng = np.random.default_rng([4, seed])
    b = ModelBuilder()
    shape = (
        (1, 5, 6, int(rng.integers(1, 6))) if "CONV" in kind else (int(rng.integers(1, 4)), int(rng.integers(1, 40)))
    )
    x = layers.model_input(b, rng, shape)
    y = getattr(layers, kind.lower())(b, rng, x, styles=("fit",))
    models = []
    for is_int4 in (True, False):
        model = b.model([y])
        graph = model.subgraphs[0]
        weights = graph.tensors[graph.operators[0].inputs[1]]
        buffer = model.buffers[weights.buffer]
        if is_int4:
            values = np.frombuffer(bytes(buffer.data), np.int8) >> 4
            padded = np.append(values, np.zeros(len(values) % 2, np.int8)).astype(np.uint8) & 15
            weights.quantization.scale = [16 * s for s in weights.quantization.scale]
            if kind == "FULLY_CONNECTED":  # TFLM takes no int4 weights with a scale per channel there
                weights.quantization.scale = weights.quantization.scale[:1]
                weights.quantization.zeroPoint = weights.quantization.zeroPoint[:1]
            for bias in (i for i in graph.operators[0].inputs[2:] if i >= 0):
                products = np.float32(b.scale(x)) * np.array(weights.quantization.scale, np.float32)
                graph.tensors[bias].quantization.scale = products.tolist()
                graph.tensors[bias].quantization.zeroPoint = [0] * len(products)
            weights.type, buffer.data = schema.TensorType.INT4, padded[0::2] | padded[1::2] << 4
        else:
            weights.type, buffer.data = schema.TensorType.INT8, values.view(np.uint8)
        models.append(pack(model))
    return models[0], models[1], shape


@needs_tflm
@pytest.mark.parametrize("kind", ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"])
def test_int4_weights(kind: str, tmp_path: Path) -> None:
    """TFLM = numpy = C on models of int4 weights, and the same as with these weights as int8."""
    drawn = [_int4_model(kind, seed) for seed in range(24)]
    graphs = [_graph(int4, f"int4_{i}") for i, (int4, _, _) in enumerate(drawn)]
    models = compile_graphs(graphs, tmp_path)
    rng = np.random.default_rng(9)
    varied, odd = 0, 0
    with Tflm() as tflm:
        for (int4, int8, shape), graph in zip(drawn, graphs, strict=True):
            x = rng.integers(-128, 128, shape).astype(np.int8)
            wanted = tflm.run(int4, [[x]])[0]
            assert not difference(wanted, tflm.run(int8, [[x]])[0])
            assert not difference(reference.run(graph, [x]), wanted)
            assert not difference(models[graph.name].run([x]), wanted)
            varied += len(np.unique(wanted[0])) > 2
            odd += graph.required(graph.ops[0], 1).elements % 2
    assert varied > 8
    assert odd > 0


def _one(kind: str, x: tuple[Any, ...], constant: Any, y: tuple[Any, ...], **options: Any) -> bytes:
    """One operator from an int8 input to an output tensor(*y), with a constant second input."""
    b = ModelBuilder()
    first = b.input(*x)
    second = b.constant(np.array(constant, np.int32)) if not isinstance(constant, np.ndarray) else b.constant(constant)
    out = b.tensor(*y)
    b.op(kind, [first, second], [out], **options)
    return b.build([out])


def _transpose_conv(height: int = 8, shape: Any = None, dtype: str = "int32", **options: Any) -> bytes:
    b = ModelBuilder()
    x, y = b.input((1, 4, 4, 2), 0.5, 3), b.tensor((1, height, 8, 3), 0.5)
    declared = np.array((1, height, 8, 3) if shape is None else shape, dtype)
    weights = b.constant(np.ones((3, 3, 3, 2), np.int8), 0.1)
    b.op("TRANSPOSE_CONV", [b.constant(declared), weights, x], [y], **{"strideH": 2, "strideW": 2, **options})
    return b.build([y])


def _matmul(a: tuple[int, ...], c: tuple[int, ...], y: tuple[int, ...], scale: float = 9.0, **options: Any) -> bytes:
    b = ModelBuilder()
    left, right, out = b.input(a, 0.5, 3), b.input(c, 0.5, 3), b.tensor(y, scale)
    b.op("BATCH_MATMUL", [left, right], [out], **options)
    return b.build([out])


_X = ((1, 4, 6), 0.5, 3)
_IMAGE = ((1, 4, 6, 2), 0.5, 3)
_TO_INT32: dict[str, Any] = {"outputType": _INT32}
GOOD: dict[str, Callable[[], bytes]] = {
    "sum": lambda: _one("SUM", _X, [1], ((1, 6), 0.5)),
    "arg max": lambda: _one("ARG_MAX", _X, [1], ((1, 6), None, 0, "int32"), **_TO_INT32),
    "cumsum": lambda: _one("CUMSUM", _X, [1], ((1, 4, 6), 0.5)),
    "resize": lambda: _one("RESIZE_BILINEAR", _IMAGE, [8, 3], ((1, 8, 3, 2), 0.5, 3)),
    "transpose conv": _transpose_conv,
    "matmul": lambda: _matmul((2, 3, 4), (4, 5), (2, 3, 5)),
}
REFUSED_BY_BOTH: dict[str, Callable[[], bytes]] = {
    "sum: int64 axes": lambda: _one("SUM", _X, np.array([1]), ((1, 6), 0.5)),
    "sum: int16": lambda: _one("SUM", _X, [1], ((1, 6), 0.5, 0, "int16")),
    "max: int64 axes": lambda: _one("REDUCE_MAX", _X, np.array([1]), ((1, 6), 0.5, 3)),
    "max: other scale": lambda: _one("REDUCE_MAX", _X, [1], ((1, 6), 0.6, 3)),
    "min: other zero point": lambda: _one("REDUCE_MIN", _X, [1], ((1, 6), 0.5, 4)),
    "arg max: int64 output": lambda: _one("ARG_MAX", _X, [1], ((1, 6), None, 0, "int64"), outputType=4),
    "arg min: int64 axis": lambda: _one("ARG_MIN", _X, np.array([1]), ((1, 6), None, 0, "int32"), **_TO_INT32),
    "cumsum: axis": lambda: _one("CUMSUM", _X, [3], ((1, 4, 6), 0.5)),
    "cumsum: two axes": lambda: _one("CUMSUM", _X, [1, 2], ((1, 4, 6), 0.5)),
    "cumsum: int64 axis": lambda: _one("CUMSUM", _X, np.array([1]), ((1, 4, 6), 0.5)),
    "resize: both options": lambda: _one(
        "RESIZE_BILINEAR", _IMAGE, [8, 3], ((1, 8, 3, 2), 0.5, 3), alignCorners=True, halfPixelCenters=True
    ),
    "resize: int64 size": lambda: _one("RESIZE_BILINEAR", _IMAGE, np.array([8, 3]), ((1, 8, 3, 2), 0.5, 3)),
    "resize: rank": lambda: _one("RESIZE_BILINEAR", _X, [8, 3], ((1, 8, 3), 0.5, 3)),
    "matmul: depth": lambda: _matmul((2, 3, 4), (5, 5), (2, 3, 5)),
    "matmul: batches": lambda: _matmul((2, 3, 4), (3, 4, 5), (3, 3, 5)),
    "matmul: rank 1": lambda: _matmul((2, 3, 4), (4,), (2, 3)),
    "matmul: rank 6": lambda: _matmul((1, 1, 1, 1, 3, 4), (4, 5), (1, 1, 1, 1, 3, 5)),
}
REFUSED_BY_TINYGEN: dict[str, Callable[[], bytes]] = {
    "sum: axis": lambda: _one("SUM", _X, [3], ((1, 6), 0.5)),
    "sum: shape": lambda: _one("SUM", _X, [1], ((1, 4), 0.5)),
    "sum: multiplier": lambda: _one("SUM", _X, [1], ((1, 6), 1e-12)),
    "sum: too many": lambda: _one("SUM", ((1, 1 << 23), 0.5), [1], ((1,), 0.5)),
    "max: rank 6": lambda: _one("REDUCE_MAX", ((1, 1, 1, 1, 1, 6), 0.5), [1], ((1, 1, 1, 1, 6), 0.5)),
    "arg max: axis": lambda: _one("ARG_MAX", _X, [3], ((1, 6), None, 0, "int32"), **_TO_INT32),
    "arg max: two axes": lambda: _one("ARG_MAX", _X, [1, 2], ((1, 6), None, 0, "int32"), **_TO_INT32),
    "arg max: shape": lambda: _one("ARG_MAX", _X, [1], ((1, 4), None, 0, "int32"), **_TO_INT32),
    "cumsum: output scale": lambda: _one("CUMSUM", _X, [1], ((1, 4, 6), 1e-7)),
    "resize: output shape": lambda: _one("RESIZE_BILINEAR", _IMAGE, [8, 3], ((1, 8, 4, 2), 0.5, 3)),
    "resize: other scale": lambda: _one("RESIZE_BILINEAR", _IMAGE, [8, 3], ((1, 8, 3, 2), 0.6, 3)),
    "resize: size 0": lambda: _one("RESIZE_BILINEAR", _IMAGE, [0, 3], ((1, 0, 3, 2), 0.5, 3)),
    # 17/1024 per pixel instead of 1/62: the last ones lie at pixel 1 of 1, and TFLM reads it
    "resize: leaves the input": lambda: _one("RESIZE_BILINEAR", ((1, 1, 1, 1), 0.5), [62, 1], ((1, 62, 1, 1), 0.5)),
    "transpose conv: height": lambda: _transpose_conv(height=9),
    "transpose conv: shape": lambda: _transpose_conv(shape=(1, 7, 8, 3)),
    "transpose conv: int64 shape": lambda: _transpose_conv(dtype="int64"),
    "transpose conv: stride": lambda: _transpose_conv(strideH=0),
    "transpose conv: padding": lambda: _transpose_conv(padding=7),
    "transpose conv: TANH": lambda: _transpose_conv(fusedActivationFunction=4),
    "matmul: shape": lambda: _matmul((2, 3, 4), (4, 5), (2, 5, 3)),
    "matmul: multiplier": lambda: _matmul((2, 3, 4), (4, 5), (2, 3, 5), 1e-12),
    "matmul: too deep": lambda: _matmul((1, 1 << 15), (1 << 15, 1), (1, 1)),
}


@pytest.mark.parametrize("name", GOOD)
def test_would_be_fine_otherwise(name: str) -> None:
    plan_of(_graph(GOOD[name]()))


@pytest.mark.parametrize("name", [*REFUSED_BY_BOTH, *REFUSED_BY_TINYGEN])
def test_tinygen_refuses(name: str) -> None:
    content = {**REFUSED_BY_BOTH, **REFUSED_BY_TINYGEN}[name]()
    with pytest.raises(TinygenError, match="tensor_"):
        plan_of(_graph(content))


@needs_tflm
def test_tflm_refuses() -> None:
    with Tflm() as tflm:
        for name, build in REFUSED_BY_BOTH.items():
            content = build()
            inputs = schema.ModelT.InitFromPackedBuf(content, 0).subgraphs[0]
            sample = [np.zeros(inputs.tensors[i].shape, np.int8) for i in inputs.inputs]
            with pytest.raises(Refused):
                print(name, tflm.run(content, [sample]))


@pytest.mark.parametrize("spoil", ["not constant", "too short", "zero point"])
def test_int4_refused(spoil: str) -> None:
    b = ModelBuilder()
    x = b.input((1, 5), 0.5)
    weights, y = b.constant(np.zeros((3, 5), np.int8), 0.1), b.tensor((1, 3), 0.5)
    b.op("FULLY_CONNECTED", [x, weights], [y])
    model = b.model([y])
    tensor = model.subgraphs[0].tensors[weights]
    tensor.type, model.buffers[tensor.buffer].data = schema.TensorType.INT4, np.zeros(8, np.uint8)
    _graph(pack(model))
    if spoil == "zero point":
        tensor.quantization.zeroPoint = [1]
    else:
        model.buffers[tensor.buffer].data = None if spoil == "not constant" else np.zeros(7, np.uint8)
    with pytest.raises(TinygenError, match=r"int4|zero point"):
        _graph(pack(model))

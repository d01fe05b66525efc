"""Multipliers to their last bit, numpy against TFLM: whether a quotient of scales is taken in float32 or in double
shows in one output of ten million at random scales, so these are drawn where outputs sit on the edge of a half."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.random import Generator

from tests.exact.cases import NIGHTLY
from tests.exact.layers import f32, power, zero_point
from tests.support.compare import difference
from tests.support.tflite_builder import ModelBuilder
from tests.support.tflm import Tflm, needs_tflm
from tinygen import reference
from tinygen.ir import Array
from tinygen.load.tflite import parse_tflite
from tinygen.verify import verify

COUNT = 5000 if NIGHTLY else 300
_ALL = np.arange(-128, 128).astype(np.int8)
Made = tuple[bytes, Array]


def _half(rng: Generator) -> float:
    """d / (k + 0.5): an output scale so many times the input's makes k + 0.5 of d."""
    return float(rng.integers(1, 128)) / (float(rng.integers(0, 127)) + 0.5)


def _unary(kind: str, rng: Generator) -> Made:
    b = ModelBuilder()
    x = b.input((256,), power(rng, -12, 4), zero_point(rng))
    y = b.tensor((256,), f32(b.scale(x) * _half(rng)), zero_point(rng))
    b.op(kind, [x], [y])
    return b.build([y]), _ALL


def _add(rng: Generator) -> Made:
    b = ModelBuilder()
    x = b.input((256,), power(rng, -12, 4), zero_point(rng))
    nothing = b.constant(np.full(1, 5, np.int8), f32(b.scale(x) * power(rng, -4, 4)), 5)
    y = b.tensor((256,), f32(b.scale(x) * _half(rng)), zero_point(rng))
    b.op("ADD", [x, nothing] if rng.random() < 0.5 else [nothing, x], [y], fusedActivationFunction=0)
    return b.build([y]), _ALL


def _binary(kind: str, rng: Generator) -> Made:
    """All values and one constant; for DIV no quotients near 0, which TFLM shifts by more bits than there are."""
    b = ModelBuilder()
    x = b.input((256,), power(rng, -10, 0), zero_point(rng))
    zero = zero_point(rng)
    other = int(rng.choice([v for v in _ALL if v != zero]))
    constant = b.constant(np.array([other], np.int8), power(rng, -10, 0), zero)
    factor = b.scale(constant) * abs(other - zero)
    scale = b.scale(x) * {"MUL": factor, "DIV": 1 / factor}.get(kind, 1)
    y = b.tensor((256,), f32(scale * _half(rng)), zero_point(rng))
    b.op(kind, [x, constant], [y], fusedActivationFunction=0)
    farthest = -128 if b.zero_point(x) > 0 else 127
    is_near_zero = np.abs(_ALL.astype(int) - b.zero_point(x)) * scale < b.scale(y)
    sample = np.where(is_near_zero, farthest, _ALL) if kind == "DIV" else _ALL
    return b.build([y]), sample.astype(np.int8)


def _mean(rng: Generator) -> Made:
    b = ModelBuilder()
    height, width = (int(n) for n in rng.integers(1, 12, 2))
    x = b.input((1, height, width, 256), power(rng, -12, 4), zero_point(rng))
    y = b.tensor((1, 256), f32(b.scale(x) * _half(rng) / (height * width)), zero_point(rng))
    b.op("MEAN", [x, b.constant(np.array([1, 2], np.int32))], [y], keepDims=False)
    sample = np.full((1, height, width, 256), b.zero_point(x), np.int8)
    sample[0, 0, 0] = _ALL
    return b.build([y]), sample


def _fully_connected(per_channel: bool, rng: Generator) -> Made:
    """Weights of 0, so the biases alone are the accumulators."""
    b = ModelBuilder()
    x = b.input((1, 1), power(rng, -12, 4))
    output_scale = power(rng, -9, -3)
    scale = power(rng, -23, -21) * output_scale / b.scale(x)
    scales = np.array([f32(scale * (1 + i / 128)) for i in range(64)] if per_channel else [f32(scale)])
    halves = (rng.integers(-127, 127, 64) + 0.5) / (b.scale(x) * scales / output_scale)
    biases = np.rint(np.clip(halves, -(2.0**31) + 99, 2.0**31 - 99)) + rng.integers(-40, 41, 64)
    bias = b.constant(biases.astype(np.int32), [f32(b.scale(x) * s) for s in scales])
    y = b.tensor((1, 64), output_scale)
    b.op("FULLY_CONNECTED", [x, b.constant(np.zeros((64, 1), np.int8), scales.tolist()), bias], [y])
    return b.build([y]), np.zeros((1, 1), np.int8)


def _softmax(rng: Generator) -> Made:
    b = ModelBuilder()
    x = b.input((300, 4), power(rng, -7, 3))
    y = b.tensor((300, 4), 1 / 256, -128)
    b.op("SOFTMAX", [x], [y], beta=f32(power(rng, -7, -5) / b.scale(x)))
    return b.build([y]), rng.integers(-128, 128, (300, 4)).astype(np.int8)


def _limits(kind: str, rng: Generator) -> Made:
    """A scale with which 6, or 1, is k + 0.5 steps: where a fused activation or RELU6 clamps."""
    b = ModelBuilder()
    bound, code = ((6, 3), (1, 2))[rng.integers(2)] if kind == "MAX_POOL_2D" else (6, 3)
    x = b.input((1, 1, 1, 256), f32(bound / (float(rng.integers(0, 160)) + 0.5)), zero_point(rng))
    y = b.tensor((1, 1, 1, 256), b.scale(x), b.zero_point(x))
    options = {"filterHeight": 1, "filterWidth": 1, "strideH": 1, "strideW": 1, "fusedActivationFunction": code}
    b.op(kind, [x], [y], **(options if kind == "MAX_POOL_2D" else {}))
    return b.build([y]), _ALL.reshape(1, 1, 1, 256)


def _quantize_float(rng: Generator) -> Made:
    """Inputs a float32 step around every half."""
    b = ModelBuilder()
    x = b.input((3, 256), None, dtype="float32")
    y = b.tensor((3, 256), power(rng, -12, 4), zero_point(rng))
    b.op("QUANTIZE", [x], [y])
    halves = ((_ALL.astype(np.float64) + 0.5) * b.scale(y)).astype(np.float32)
    around = [np.nextafter(halves, np.float32(-np.inf)), halves, np.nextafter(halves, np.float32(np.inf))]
    return b.build([y]), np.stack(around)


def _svdf_features(rng: Generator) -> Made:
    """One result in the memory, which goes out as it is: dot products so large that they sit on the edge of a half."""
    b = ModelBuilder()
    x = b.input((1, 1025), power(rng, -12, 4))
    out, filters = power(rng, -9, -3), 64
    scale = power(rng, -18, -17)  # of what the dot products are to become
    products = np.rint((rng.integers(-60, 60, filters) + 0.5) / scale) + rng.integers(-2, 3, filters)
    products = np.clip(products, -127 * 127 * 1024, 127 * 127 * 1024).astype(np.int64)
    steps = np.abs(products) // 127
    each = np.minimum(np.maximum(steps[:, None] - 127 * np.arange(1024), 0), 127)
    rest = np.abs(products) - 127 * steps
    weights = np.concatenate((each, rest[:, None]), axis=1) * np.sign(products)[:, None]
    features = b.constant(weights.astype(np.int8), f32(scale * out / b.scale(x)))
    state, time = b.variable((1, filters), out, 0, "int16"), b.constant(np.ones((filters, 1), np.int16), 1.0)
    bias = b.constant(np.zeros(filters, np.int32), out)
    y = b.tensor((1, filters), out)
    b.op("SVDF", [x, features, time, bias, state], [y], rank=1)
    sample = np.full((1, 1025), 127, np.int8)
    sample[0, -1] = 1
    return b.build([y]), sample


def _svdf_sums(rng: Generator) -> Made:
    """Nothing in the memory, so the biases alone are the sums."""
    b = ModelBuilder()
    x = b.input((1, 1), 1.0)
    output_scale, units = power(rng, -9, -3), 64
    scale = power(rng, -23, -21) * output_scale
    state = b.variable((1, units), power(rng, -12, -3), 0, "int16")
    time = b.constant(np.zeros((units, 1), np.int16), f32(scale / b.scale(state)))
    halves = (rng.integers(-127, 127, units) + 0.5) / (b.scale(state) * b.scale(time) / output_scale)
    biases = np.rint(np.clip(halves, -(2.0**31) + 99, 2.0**31 - 99)) + rng.integers(-40, 41, units)
    bias = b.constant(biases.astype(np.int32), f32(scale))
    y = b.tensor((1, units), output_scale)
    b.op("SVDF", [x, b.constant(np.zeros((units, 1), np.int8), 1.0), time, bias, state], [y], rank=1)
    return b.build([y]), np.zeros((1, 1), np.int8)


def _lstm(wide: bool, rng: Generator) -> Made:
    """Weights of 0: the biases alone make the gates, and the output gate's sit on the edge of a half."""
    dtype, bias_dtype, units = ("int16", np.int64, 64) if wide else ("int8", np.int32, 64)
    b = ModelBuilder()
    x = b.input((1, 1, 1), power(rng, -12, 4), 0, dtype)
    hidden = b.variable((1, units), 2.0**-15, 0 if wide else -128, dtype)
    cell = b.variable((1, units), 2.0**-11, 0, "int16")
    scale = f32(power(rng, *((-25, -23) if wide else (-15.5, -14.5))) * 2.0**-12 / b.scale(x))
    weights = [b.constant(np.zeros((units, 1), np.int8), scale) for _ in range(4)]
    recurrent = [b.constant(np.zeros((units, units), np.int8), 1.0) for _ in range(4)]
    real = b.scale(x) * scale / 2.0**-12
    halves = rng.integers(-22000, -18000, units) + 0.5
    ends = np.full(units, 40000.0)
    gates = [ends, ends, ends, halves + rng.integers(-2, 3, units) * real]
    biases = [b.constant(np.rint(g / real).astype(bias_dtype), f32(b.scale(x) * scale)) for g in gates]
    y = b.tensor((1, 1, units), b.scale(hidden), b.zero_point(hidden), dtype)
    inputs = [x, *weights, *recurrent, -1, -1, -1, *biases, -1, -1, hidden, cell, -1, -1, -1, -1]
    b.op("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, [y], fusedActivationFunction=4)
    return b.build([y]), np.zeros((1, 1, 1), dtype)


MODELS: dict[str, Callable[[Generator], Made]] = {
    "ADD": _add,
    "DIV": lambda rng: _binary("DIV", rng),
    "FULLY_CONNECTED per channel": lambda rng: _fully_connected(True, rng),
    "FULLY_CONNECTED per tensor": lambda rng: _fully_connected(False, rng),
    "LSTM int8": lambda rng: _lstm(False, rng),
    "LSTM int16": lambda rng: _lstm(True, rng),
    "MAX_POOL_2D limits": lambda rng: _limits("MAX_POOL_2D", rng),
    "MEAN": _mean,
    "MUL": lambda rng: _binary("MUL", rng),
    "QUANTIZE": lambda rng: _unary("QUANTIZE", rng),
    "QUANTIZE from float": _quantize_float,
    "RELU6 limits": lambda rng: _limits("RELU6", rng),
    "RELU": lambda rng: _unary("RELU", rng),
    "SOFTMAX": _softmax,
    "SUB": lambda rng: _binary("SUB", rng),
    "SVDF features": _svdf_features,
    "SVDF sums": _svdf_sums,
}


@needs_tflm
@pytest.mark.parametrize("name", MODELS)
def test_multipliers(name: str) -> None:
    rng = np.random.default_rng(11)
    with Tflm() as tflm:
        for number in range(COUNT):
            content, sample = MODELS[name](rng)
            graph = verify(parse_tflite(content, "m", "m.tflite"))
            complaint = difference(reference.run(graph, [sample]), tflm.run(content, [[sample]])[0])
            scales = [t.quantization.scale[0] for t in graph.tensors if t.quantization]
            assert not complaint, f"model {number}: {complaint} (TFLM); scales {scales}"

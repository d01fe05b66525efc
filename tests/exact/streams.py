"""Random networks over time: SAME and VALID, strides, pooling, branches that meet again, int8 or float input."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from tests.exact import layers
from tests.support.tflite_builder import ModelBuilder
from tinygen.ir import Graph
from tinygen.load.tflite import parse_tflite
from tinygen.verify import verify

_SAME, _VALID = 0, 1


def stream_networks(count: int) -> tuple[Graph, ...]:
    """The first `count` of them, the same on every machine."""
    return tuple(_network(index) for index in range(count))


def _network(index: int) -> Graph:
    rng = np.random.default_rng([77, index])
    b = ModelBuilder()
    window, width = int(rng.integers(16, 41)), int(rng.choice((1, 1, 4)))
    shape, zero = (1, window, width, int(rng.integers(2, 7))), int(rng.integers(-20, 20))
    if index % 5 == 0:
        x = b.tensor(shape, 0.05, zero)
        b.op("QUANTIZE", [b.input(shape, None, dtype="float32")], [x])
    else:
        x = b.input(shape, 0.05, zero)
    strided = False
    for _ in range(int(rng.integers(2, 6))):
        kind = rng.integers(7)
        stride = 2 if not strided and rng.random() < 0.2 else 1
        strided = strided or stride == 2
        if kind == 0:
            x = _pool(b, rng, x, stride)
        elif kind == 1 and b.shape(x)[1] > 6:
            x = layers.add_pair(b, rng, _conv(b, rng, x, _SAME, 1, b.shape(x)[3]), x)
        elif kind == 2:
            x = layers.relu(b, rng, x)
        elif kind == 3:
            x = _side_by_side(b, rng, x)
        else:
            x = _conv(b, rng, x, int(rng.choice((_SAME, _VALID))), stride, int(rng.integers(2, 7)))
    outputs = [x] if index % 7 == 0 else []
    x = layers.mean(b, rng, x) if rng.random() < 0.3 else _dense(b, rng, x)
    return verify(parse_tflite(b.build([*outputs, x]), f"stream_{index}", "stream"))


def _conv(b: ModelBuilder, rng: Generator, x: int, padding: int, stride: int, filters: int) -> int:
    _, rows, columns, depth = b.shape(x)
    height = int(rng.integers(1, min(6, rows) + 1))
    out_rows = -(-rows // stride) if padding == _SAME else (rows - height) // stride + 1
    y = b.tensor((1, out_rows, columns, filters), 0.05, int(rng.choice((-7, -7, 12))))
    weights = b.constant(rng.integers(-127, 128, (filters, height, 1, depth)).astype(np.int8), 0.4 / 64 / depth)
    bias = b.constant(rng.integers(-500, 500, filters).astype(np.int32), b.scale(x) * 0.4 / 64 / depth)
    b.op(
        "CONV_2D",
        [x, weights, bias],
        [y],
        strideH=stride,
        strideW=1,
        padding=padding,
        dilationHFactor=1,
        dilationWFactor=1,
    )
    return y


def _side_by_side(b: ModelBuilder, rng: Generator, x: int) -> int:
    """Two convolutions whose filters become the channels of one tensor."""
    parts = [_conv(b, rng, x, _SAME, 1, int(rng.integers(1, 4))) for _ in range(2)]
    shapes = [b.shape(p) for p in parts]
    zeros = {b.zero_point(p) for p in parts}
    if len(zeros) > 1:  # TFLM asks for one quantization
        return parts[0]
    y = b.tensor((*shapes[0][:3], sum(s[3] for s in shapes)), 0.05, zeros.pop())
    b.op("CONCATENATION", parts, [y], axis=3, fusedActivationFunction=0)
    return y


def _pool(b: ModelBuilder, rng: Generator, x: int, stride: int) -> int:
    _, rows, columns, depth = b.shape(x)
    height, padding = int(rng.integers(2, min(4, rows) + 1)) if rows > 2 else 1, int(rng.choice((_SAME, _VALID)))
    out_rows = -(-rows // stride) if padding == _SAME else (rows - height) // stride + 1
    y = b.tensor((1, out_rows, columns, depth), b.scale(x), b.zero_point(x))
    kind = str(rng.choice(("MAX_POOL_2D", "AVERAGE_POOL_2D")))
    b.op(kind, [x], [y], strideH=stride, strideW=1, filterHeight=height, filterWidth=1, padding=padding)
    return y


def _dense(b: ModelBuilder, rng: Generator, x: int) -> int:
    y = b.tensor((1, 4), 0.05)
    inputs = int(np.prod(b.shape(x)))
    flat = layers.reshape(b, rng, x)
    b.op("FULLY_CONNECTED", [flat, b.constant(rng.integers(-127, 128, (4, inputs)).astype(np.int8), 0.002)], [y])
    return y

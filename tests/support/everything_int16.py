"""A model of int16 activations in which every operator stands that has a form for them, and every kernel of theirs."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.support.tflite_builder import ModelBuilder
from tinygen.ir import Graph
from tinygen.load.tflite import parse_tflite
from tinygen.verify import verify

_WINDOW = {"padding": 0, "strideH": 1, "strideW": 1}
_DILATION = {"dilationHFactor": 1, "dilationWFactor": 1}
_POOL = {**_WINDOW, "filterHeight": 2, "filterWidth": 2}


def _weights(*shape: int) -> np.ndarray:
    return ((np.arange(int(np.prod(shape))) * 7919 + 13) % 251 - 125).astype(np.int8).reshape(shape)


class _Chain:
    """Adds operators one behind the other; all tensors are int16."""

    def __init__(self) -> None:
        self.b = ModelBuilder()

    def tensor(self, shape: tuple[int, ...], scale: float) -> int:
        return self.b.tensor(shape, scale, dtype="int16")

    def op(self, kind: str, inputs: list[int], shape: tuple[int, ...], scale: float, **options: Any) -> int:
        y = self.tensor(shape, scale)
        self.b.op(kind, inputs, [y], **options)
        return y


def model() -> bytes:
    """float image (1, 6, 5, 2) and int8 image -> int16 scores (1, 4), float, int8 and more."""
    c = _Chain()
    b, image = c.b, (1, 6, 5, 4)
    x = c.op("QUANTIZE", [b.input((1, 6, 5, 2), None, dtype="float32")], (1, 6, 5, 2), 1e-4)
    other = c.op("QUANTIZE", [b.input((1, 6, 5, 2), 0.03, 7)], (1, 6, 5, 2), 1e-4)
    x = c.op("ADD", [x, other], (1, 6, 5, 2), 2e-4, fusedActivationFunction=0)
    bias = b.constant(np.array([-300, 7, 1 << 33, -(1 << 34)], np.int64))
    weights = b.constant(_weights(4, 3, 3, 2), [0.004, 0.005, 0.006, 0.007])
    x = c.op("CONV_2D", [x, weights, bias], image, 3e-4, fusedActivationFunction=1, **_WINDOW, **_DILATION)
    weights = b.constant(_weights(1, 3, 3, 4), 0.01)
    x = c.op("DEPTHWISE_CONV_2D", [x, weights], image, 4e-4, depthMultiplier=1, **_WINDOW, **_DILATION)
    x = c.op("MAX_POOL_2D", [x], image, 4e-4, **_POOL)
    x = c.op("AVERAGE_POOL_2D", [x], image, 4e-4, **_POOL)
    y = c.op("RELU", [x], image, 3e-4)
    y = c.op("RELU6", [y], image, 3e-4)
    x = c.op("LEAKY_RELU", [x], image, 3e-4, alpha=0.25)
    x = c.op("SUB", [x, y], image, 3e-4, fusedActivationFunction=0)
    x = c.op("MUL", [x, b.constant(np.array([9000, -20000, 3, 77], np.int16), 1e-4)], image, 3e-4)
    x = c.op("MAXIMUM", [x, y], image, 3e-4)
    x = c.op("MINIMUM", [x, b.constant(np.array(30000, np.int16), 3e-4)], image, 3e-4)
    x = c.op("SQUARED_DIFFERENCE", [x, y], image, 2e-3)
    x = c.op("ABS", [x], image, 2e-3)
    x = c.op("RSQRT", [x], image, 1e-3)
    x = c.op("LOGISTIC", [x], image, 2**-15)
    x = c.op("EXP", [x], image, 1e-4)
    x = c.op("LOG", [x], image, 4e-5)
    x = c.op("GELU", [x], image, 4e-5, approximate=True)
    x = c.op("TANH", [x], image, 2**-15)
    shape = b.constant(np.array([1, 12, 10, 4], np.int32))
    x = c.op(
        "TRANSPOSE_CONV",
        [shape, b.constant(_weights(4, 3, 3, 4), 0.005), x],
        (1, 12, 10, 4),
        2e-4,
        padding=0,
        strideH=2,
        strideW=2,
    )
    x = c.op("RESIZE_BILINEAR", [x, b.constant(np.array([6, 5], np.int32))], image, 2e-4, halfPixelCenters=True)
    pixels = c.op("BATCH_MATMUL", [x, b.constant(_weights(4, 4).astype(np.int16), 1e-3)], image, 3e-4)
    rows = b.constant(np.array([2], np.int32))
    total = c.op("SUM", [pixels, rows], (1, 6, 4), 1e-3, keepDims=False)
    highest = c.op("REDUCE_MAX", [total, b.constant(np.array([1], np.int32))], (1, 4), 1e-3, keepDims=False)
    lowest = c.op("REDUCE_MIN", [total, b.constant(np.array([1], np.int32))], (1, 4), 1e-3, keepDims=False)
    mean = c.op("MEAN", [pixels, b.constant(np.array([1, 2], np.int32))], (1, 4), 1e-4, keepDims=False)
    mean = c.op("CONCATENATION", [mean, mean], (1, 8), 1e-4, axis=1)
    dense = c.op("FULLY_CONNECTED", [mean, b.constant(_weights(4, 8), 0.003)], (1, 4), 1e-4, fusedActivationFunction=0)
    scores = c.op("SOFTMAX", [dense], (1, 4), 2**-15, beta=1.0)
    real, short = b.tensor((1, 4), dtype="float32"), b.tensor((1, 4), 0.05, 3)
    b.op("DEQUANTIZE", [highest], [real])
    b.op("QUANTIZE", [lowest], [short])
    return b.build([scores, real, short])


def graph() -> Graph:
    """Named after this file."""
    return verify(parse_tflite(model(), "everything_int16", "everything_int16"))

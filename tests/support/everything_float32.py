"""A small float model with every float form and every float kernel: the model `everything_float32`."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.support.tflite_builder import ModelBuilder
from tinygen.ir import Array, Graph
from tinygen.load.tflite import parse_tflite
from tinygen.verify import verify

_UNARY = (
    *("ABS", "CEIL", "COS", "ELU", "EXP", "FLOOR", "GELU", "HARD_SWISH", "LEAKY_RELU", "LOG", "LOGISTIC", "NEG"),
    *("RELU", "RELU6", "RELU_0_TO_1", "RELU_N1_TO_1", "ROUND", "RSQRT", "SIN", "SQRT", "SQUARE", "TANH"),
)
_BINARY = ("ADD", "DIV", "MAXIMUM", "MINIMUM", "MUL", "PRELU", "SQUARED_DIFFERENCE", "SUB")
_COMPARISONS = ("EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "NOT_EQUAL")
_CONV: dict[str, Any] = {"padding": 0, "strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}


def _values(*shape: int) -> Array:
    """float32 numbers without a pattern, within -1 and 1, the same everywhere."""
    count = int(np.prod(shape))
    steps = (np.arange(count) * 7919 + 13) % 251 - 125
    return np.asarray(steps / 125, np.float32).reshape(shape)


class _Chain:
    """Layers one after the other; `last` is the tensor that the next one reads."""

    def __init__(self, b: ModelBuilder, last: int) -> None:
        self.b, self.last = b, last

    def add(self, kind: str, inputs: list[int], shape: tuple[int, ...], dtype: str = "float32", **options: Any) -> int:
        y = self.b.tensor(shape, dtype=dtype)
        self.b.op(kind, inputs, [y], **options)
        if dtype == "float32":
            self.last = y
        return y


def float_model() -> bytes:
    """A float image (1, 6, 5, 2) and a uint8 one -> float (1, 4), and the ends of the reductions."""
    b = ModelBuilder()
    c = _Chain(b, b.input((1, 6, 5, 2), None, dtype="float32"))
    first = c.last
    second = c.add("DEQUANTIZE", [b.input((1, 6, 5, 2), 0.01, 128, dtype="uint8")], (1, 6, 5, 2))
    c.add("ADD", [first, second], (1, 6, 5, 2))
    c.add("CONV_2D", [c.last, b.constant(_values(4, 3, 3, 2)), b.constant(_values(4))], (1, 6, 5, 4), **_CONV)
    weights = b.constant(_values(1, 3, 3, 4))
    image = c.add("DEPTHWISE_CONV_2D", [c.last, weights], (1, 6, 5, 4), depthMultiplier=1, **_CONV)
    for kind in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
        c.add(kind, [c.last], (1, 3, 2, 4), padding=1, strideH=2, strideW=2, filterHeight=2, filterWidth=2)
        size = b.constant(np.array([6, 5], np.int32))
        c.add("RESIZE_BILINEAR", [c.last, size], (1, 6, 5, 4), alignCorners=False, halfPixelCenters=True)
    wide = [b.constant(np.array([1, 6, 5, 4], np.int32)), b.constant(_values(4, 3, 3, 4)), c.last]
    c.add("TRANSPOSE_CONV", wide, (1, 6, 5, 4), padding=0, strideH=1, strideW=1)
    for kind in _BINARY:
        c.add(kind, [c.last, image], (1, 6, 5, 4))
    condition = -1
    for kind in _COMPARISONS:
        condition = c.add(kind, [c.last, image], (1, 6, 5, 4), "bool")
    c.add("SELECT_V2", [condition, c.last, image], (1, 6, 5, 4))
    c.add("CUMSUM", [c.last, b.constant(np.array([2], np.int32))], (1, 6, 5, 4), exclusive=True, reverse=True)
    axes = b.constant(np.array([1, 2], np.int32))
    chosen = c.last
    ends = [c.add(kind, [chosen, axes], (1, 4)) for kind in ("SUM", "REDUCE_MAX", "REDUCE_MIN", "MEAN")]
    for kind in _UNARY:
        c.add(kind, [c.last], (1, 4))
    c.add("GELU", [c.last], (1, 4), approximate=True)
    c.add("FULLY_CONNECTED", [c.last, b.constant(_values(4, 4)), b.constant(_values(4))], (1, 4))
    c.add("L2_NORMALIZATION", [c.last], (1, 4))
    c.add("BATCH_MATMUL", [c.last, b.constant(_values(4, 4))], (1, 4), adjX=False, adjY=False)
    c.add("LOG_SOFTMAX", [c.last], (1, 4))
    c.add("SOFTMAX", [c.last], (1, 4), beta=1.0)
    return b.build([c.last, *ends])


def graph() -> Graph:
    return verify(parse_tflite(float_model(), "everything_float32", "everything_float32"))

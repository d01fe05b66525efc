"""The part of everything.py with reductions, matrix products, transposed convolution and resizing, and with those
convolutions and dense layers that have no tiles: in groups, of other windows than 3x3, of few filters."""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.support.tflite_builder import ModelBuilder


def _int32(b: ModelBuilder, *values: int) -> int:
    return b.constant(np.array(values, np.int32))


def add_heavy(b: ModelBuilder, x: int) -> list[int]:
    """Layers from an int8 image x (1, 7, 7, 4) on; returns their ends: int32 (1, 5) and (1, 1, 1)."""
    numbers = ((np.arange(3 * 3 * 3 * 4) * 7919 + 5) % 251 - 125).astype(np.int8)
    grouped, deep = b.tensor((1, 7, 7, 4), 0.06, 4), b.tensor((1, 7, 7, 4), 0.06, 4)
    options = {"padding": 0, "strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
    b.op("CONV_2D", [x, b.constant(numbers[:32].reshape(4, 2, 2, 2), 0.01)], [grouped], **options)
    windows = b.constant(numbers[:24].reshape(1, 2, 3, 4), 0.02)
    b.op("DEPTHWISE_CONV_2D", [grouped, windows], [deep], depthMultiplier=1, **options)
    wide = b.tensor((1, 14, 14, 3), 0.06, 4)
    weights = b.constant(numbers.reshape(3, 3, 3, 4), [0.004, 0.005, 0.006])
    inputs = [_int32(b, 1, 14, 14, 3), weights, deep, _int32(b, -300, 7, 9000)]
    b.op("TRANSPOSE_CONV", inputs, [wide], padding=0, strideH=2, strideW=2, fusedActivationFunction=1)
    small = b.tensor((1, 5, 6, 3), 0.06, 4)
    b.op("RESIZE_BILINEAR", [wide, _int32(b, 5, 6)], [small], halfPixelCenters=True)
    sums = b.tensor((1, 5, 6, 3), 0.2, -7)
    b.op("CUMSUM", [small, _int32(b, 1)], [sums], reverse=True)
    product = b.tensor((1, 5, 6, 4), 0.3, 9)
    b.op("BATCH_MATMUL", [sums, b.constant(numbers[:12].reshape(3, 4), 0.01, 3)], [product])
    few = b.tensor((1, 5, 6, 3), 0.4, -3)
    b.op("FULLY_CONNECTED", [product, b.constant(numbers[:12].reshape(3, 4), 0.01)], [few], keepNumDims=True)
    total = b.tensor((1, 5, 6), 0.5, 1)
    b.op("SUM", [few, _int32(b, 3)], [total], keepDims=False)
    highest, lowest = b.tensor((1, 5, 1, 4), 0.3, 9), b.tensor((1, 1, 1, 4), 0.3, 9)
    b.op("REDUCE_MAX", [product, _int32(b, 2)], [highest], keepDims=True)
    b.op("REDUCE_MIN", [highest, _int32(b, 1)], [lowest], keepDims=True)
    first, last = b.tensor((1, 5), dtype="int32"), b.tensor((1, 1, 1), dtype="int32")
    b.op("ARG_MAX", [total, _int32(b, 2)], [first], outputType=schema.TensorType.INT32)
    b.op("ARG_MIN", [lowest, _int32(b, 3)], [last], outputType=schema.TensorType.INT32)
    return [first, last]

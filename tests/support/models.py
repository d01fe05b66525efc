"""Tiny models that several tests use."""

from __future__ import annotations

import numpy as np

from tests.support.tflite_builder import ModelBuilder


def small_model(weight: int = 0) -> bytes:
    """A dense layer of 4 inputs and 3 outputs; `weight` is added to all weights."""
    m = ModelBuilder()
    x = m.input((1, 4), 0.5)
    w = m.constant((np.arange(12) + weight).astype(np.int8).reshape(3, 4), 0.1)
    y = m.tensor((1, 3), 0.7)
    m.op("FULLY_CONNECTED", [x, w], [y])
    return m.build([y])


def float_model() -> bytes:
    """With an operator that has no float form."""
    m = ModelBuilder()
    x, y = m.input((1, 4), None, dtype="float32"), m.tensor((1,), None, dtype="int32")
    m.op("ARG_MAX", [x, m.constant(np.array(1, np.int32))], [y], outputType=2)
    return m.build([y])


def unsupported_model() -> bytes:
    m = ModelBuilder()
    x = m.input((1, 4), 0.5)
    a, b = m.tensor((1, 4), 0.5, name="the/first"), m.tensor((1, 4), 0.5, name="the/second")
    m.op("RANK", [x], [a])
    m.op("UNIQUE", [a], [b])
    return m.build([b])


def conv_model(seed: int = 0) -> bytes:
    """What a kernel set has choices for: 3x3, depthwise 3x3 and 1x1 convolutions of 16 channels, and a pool."""
    m, rng = ModelBuilder(), np.random.default_rng(seed)
    x = m.input((1, 12, 12, 16), 0.05)
    for kind, shape in (
        ("CONV_2D", (16, 3, 3, 16)),
        ("DEPTHWISE_CONV_2D", (1, 3, 3, 16)),
        ("CONV_2D", (16, 1, 1, 16)),
        ("CONV_2D", (16, 3, 3, 16)),
    ):
        depthwise = kind == "DEPTHWISE_CONV_2D"
        w = m.constant(rng.integers(-127, 128, shape).astype(np.int8), [0.01] * 16, axis=3 if depthwise else 0)
        y = m.tensor((1, 12, 12, 16), 0.05)
        more = {"depthMultiplier": 1} if depthwise else {}
        m.op(kind, [x, w], [y], strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1, **more)
        x = y
    y = m.tensor((1, 3, 3, 16), 0.05)
    m.op("AVERAGE_POOL_2D", [x], [y], strideH=4, strideW=4, filterHeight=4, filterWidth=4)
    return m.build([y])

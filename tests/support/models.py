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
    x, y = m.input((1, 4), None, dtype="float32"), m.tensor((1, 4), None, dtype="float32")
    m.op("CUMSUM", [x, m.constant(np.array(1, np.int32))], [y])
    return m.build([y])


def unsupported_model() -> bytes:
    m = ModelBuilder()
    x = m.input((1, 4), 0.5)
    a, b = m.tensor((1, 4), 0.5, name="the/first"), m.tensor((1, 4), 0.5, name="the/second")
    m.op("RANK", [x], [a])
    m.op("UNIQUE", [a], [b])
    return m.build([b])

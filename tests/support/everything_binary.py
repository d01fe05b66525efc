"""The part of the model of everything.py with the elementwise operators of two inputs, the logic and CAST."""

from __future__ import annotations

import numpy as np

from tests.support.tflite_builder import ModelBuilder

_COMPARISONS = ("EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL")


def add_binary(b: ModelBuilder, x: int) -> int:
    """Appends them to the int8 tensor x; returns the last result, of x's shape and quantization."""
    shape, scale, zero = b.shape(x), b.scale(x), b.zero_point(x)
    row = b.constant((np.arange(shape[-1]) * 29 + 17).astype(np.int8), scale, zero)
    last = x
    for kind in ("SUB", "MUL", "DIV", "SQUARED_DIFFERENCE", "MAXIMUM", "MINIMUM"):
        # quotients in steps small enough that TFLM defines all of them
        y = b.tensor(shape, scale / 10 if kind == "DIV" else scale, zero)
        b.op(kind, [last, row], [y])
        last = y
    condition = -1
    for kind in _COMPARISONS:
        y = b.tensor(shape, dtype="bool")
        b.op(kind, [last, x], [y])
        if condition >= 0:
            both = b.tensor(shape, dtype="bool")
            b.op("LOGICAL_AND" if kind.startswith("GREATER") else "LOGICAL_OR", [condition, y], [both])
            y = both
        condition = b.tensor(shape, dtype="bool")
        b.op("LOGICAL_NOT", [y], [condition])
    cast, result = b.tensor(shape, scale, zero), b.tensor(shape, scale, zero)
    b.op("CAST", [condition], [cast])
    b.op("SELECT_V2", [condition, last, cast], [result])
    return result

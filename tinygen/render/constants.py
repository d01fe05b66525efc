"""Arrays of constants as C text."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tinygen.ir import Array

_C_TYPES = {"int8": "int8_t", "int16": "int16_t", "int32": "int32_t", "int64": "int64_t", "float32": "float"}


@dataclass(frozen=True, slots=True)
class ConstantArray:
    """An array of C; `lines` are its elements."""

    name: str
    c_type: str
    count: int
    attribute: str
    comment: str
    lines: tuple[str, ...]


def constant_array(name: str, values: Array, attribute: str, text: str) -> ConstantArray:
    """`values` in reading order; `attribute` stands behind the name, `text` in the comment before."""
    flat = values.reshape(-1)
    per_line = 20 if values.dtype == np.int8 else 8
    lines = tuple(_line(flat[i : i + per_line]) for i in range(0, flat.size, per_line))
    return ConstantArray(name, _C_TYPES[values.dtype.name], flat.size, attribute, text, lines)


def c_float(value: float) -> str:
    """A float32 value as a C literal that reads back exactly."""
    if not math.isfinite(value):
        return '__builtin_nanf("")' if math.isnan(value) else f"{'-' if value < 0 else ''}__builtin_inff()"
    text = f"{np.float32(value):.9g}"
    return f"{text}f" if any(c in text for c in ".en") else f"{text}.0f"


def _line(values: Array) -> str:
    if values.dtype == np.float32:
        return ", ".join(map(c_float, values.tolist())) + ","
    # -2147483648 is no literal of 32 bits in C
    return ", ".join("INT32_MIN" if v == -(1 << 31) else str(v) for v in values.tolist()) + ","

"""SQUARE, int8; computed as ops/_real.py says, for TFLM has only float."""

from __future__ import annotations

from typing import Any

from tinygen.ir import Array
from tinygen.ops._real import RealFunction


class Square(RealFunction):
    kind = "SQUARE"

    def function(self, x: Array, options: Any) -> Array:
        return x * x

"""SQUARE, float32."""

from __future__ import annotations

from tinygen.ir import Array, Op
from tinygen.ops.float32._unary import FloatUnary


class Square(FloatUnary):
    kind = "SQUARE"

    def apply(self, x: Array, op: Op) -> Array:
        return x * x

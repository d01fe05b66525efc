"""RSQRT, float32: 1 / sqrt(x)."""

from __future__ import annotations

from tinygen import floatmath
from tinygen.ir import Array, Op
from tinygen.ops.float32._unary import FloatUnary


class Rsqrt(FloatUnary):
    kind = "RSQRT"

    def apply(self, x: Array, op: Op) -> Array:
        return floatmath.rsqrt(x)

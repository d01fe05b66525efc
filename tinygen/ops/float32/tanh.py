"""TANH, float32."""

from __future__ import annotations

from tinygen import floatmath
from tinygen.ir import Array, Op
from tinygen.ops.float32._unary import FloatUnary


class Tanh(FloatUnary):
    kind = "TANH"

    def apply(self, x: Array, op: Op) -> Array:
        return floatmath.tanh(x)

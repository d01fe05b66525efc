"""COS, float32."""

from __future__ import annotations

from tinygen import floatmath
from tinygen.ir import Array, Op
from tinygen.ops.float32._unary import FloatUnary


class Cos(FloatUnary):
    kind = "COS"

    def apply(self, x: Array, op: Op) -> Array:
        return floatmath.cos(x)

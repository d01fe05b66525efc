"""NEG, float32."""

from __future__ import annotations

from tinygen.ir import Array, Op
from tinygen.ops.float32._unary import FloatUnary


class Neg(FloatUnary):
    kind = "NEG"

    def apply(self, x: Array, op: Op) -> Array:
        return -x

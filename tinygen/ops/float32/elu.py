"""ELU, float32: exp(x) - 1 of negative numbers."""

from __future__ import annotations

import numpy as np

from tinygen import floatmath
from tinygen.ir import Array, Op
from tinygen.ops.float32._unary import FloatUnary


class Elu(FloatUnary):
    kind = "ELU"

    def apply(self, x: Array, op: Op) -> Array:
        return np.where(x < 0, floatmath.expm1(x), x)

"""HARD_SWISH, float32: x * min(max(x + 3, 0), 6) / 6."""

from __future__ import annotations

import numpy as np

from tinygen import floatmath
from tinygen.floatmath import F
from tinygen.ir import Array, Op
from tinygen.ops.float32._unary import FloatUnary


class HardSwish(FloatUnary):
    kind = "HARD_SWISH"

    def apply(self, x: Array, op: Op) -> Array:
        return np.asarray(x * floatmath.clamp(x + F(3), 0.0, 6.0) / F(6))

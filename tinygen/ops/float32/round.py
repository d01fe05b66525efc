"""ROUND, float32: to the nearest whole number, halves to even."""

from __future__ import annotations

import numpy as np

from tinygen.ir import Array, Op
from tinygen.ops.float32._unary import FloatUnary


class Round(FloatUnary):
    kind = "ROUND"

    def apply(self, x: Array, op: Op) -> Array:
        return np.asarray(np.rint(x))

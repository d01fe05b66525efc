"""ABS, float32: the bit of the sign cleared."""

from __future__ import annotations

import numpy as np

from tinygen.ir import Array, Op
from tinygen.ops.float32._unary import FloatUnary


class Abs(FloatUnary):
    kind = "ABS"

    def apply(self, x: Array, op: Op) -> Array:
        return np.asarray(np.abs(x))

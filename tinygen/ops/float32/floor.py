"""FLOOR, float32: towards minus infinity."""

from __future__ import annotations

import numpy as np

from tinygen.ir import Array, Op
from tinygen.ops.float32._unary import FloatUnary


class Floor(FloatUnary):
    kind = "FLOOR"

    def apply(self, x: Array, op: Op) -> Array:
        return np.asarray(np.floor(x))

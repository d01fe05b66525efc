"""CEIL, float32: towards plus infinity."""

from __future__ import annotations

import numpy as np

from tinygen.ir import Array, Op
from tinygen.ops.float32._unary import FloatUnary


class Ceil(FloatUnary):
    kind = "CEIL"

    def apply(self, x: Array, op: Op) -> Array:
        return np.asarray(np.ceil(x))

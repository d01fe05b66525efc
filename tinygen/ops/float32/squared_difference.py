"""SQUARED_DIFFERENCE, float32, with broadcasting."""

from __future__ import annotations

import numpy as np

from tinygen.ir import Array
from tinygen.ops.float32._binary import FloatBinary


class SquaredDifference(FloatBinary):
    kind = "SQUARED_DIFFERENCE"

    def apply(self, a: Array, b: Array) -> Array:
        return np.asarray((a - b) * (a - b))

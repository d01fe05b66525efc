"""MINIMUM, float32, with broadcasting."""

from __future__ import annotations

import numpy as np

from tinygen.ir import Array
from tinygen.ops.float32._binary import FloatBinary


class Minimum(FloatBinary):
    kind = "MINIMUM"

    def apply(self, a: Array, b: Array) -> Array:
        return np.where(a < b, a, b)

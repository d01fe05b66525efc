"""EQUAL of float32; see _comparison.py."""

from __future__ import annotations

import numpy as np

from tinygen.ir import Array
from tinygen.ops.float32._comparison import FloatComparison


class Equal(FloatComparison):
    kind = "EQUAL"
    answers = (0, 1, 0, 0)

    def compare(self, a: Array, b: Array) -> Array:
        return np.asarray(np.equal(a, b))

"""NOT_EQUAL, int8 or bool; see _comparison.py."""

from __future__ import annotations

import numpy as np

from tinygen.ir import Array
from tinygen.ops._comparison import Comparison


class NotEqual(Comparison):
    kind = "NOT_EQUAL"
    truth = 0b0110

    def compare(self, a: Array, b: Array) -> Array:
        return np.asarray(np.not_equal(a, b))

"""EQUAL, int8 or bool; see _comparison.py."""

from __future__ import annotations

import numpy as np

from tinygen.ir import Array
from tinygen.ops._comparison import Comparison


class Equal(Comparison):
    kind = "EQUAL"
    truth = 0b1001

    def compare(self, a: Array, b: Array) -> Array:
        return np.asarray(np.equal(a, b))

"""LESS of float32; see _comparison.py."""

from __future__ import annotations

import numpy as np

from tinygen.ir import Array
from tinygen.ops.float32._comparison import FloatComparison


class Less(FloatComparison):
    kind = "LESS"
    answers = (1, 0, 0, 0)

    def compare(self, a: Array, b: Array) -> Array:
        return np.asarray(np.less(a, b))

"""GREATER, int8; see _comparison.py."""

from __future__ import annotations

import numpy as np

from tinygen.ir import Array
from tinygen.ops._comparison import Comparison


class Greater(Comparison):
    kind = "GREATER"

    def compare(self, a: Array, b: Array) -> Array:
        return np.asarray(np.greater(a, b))

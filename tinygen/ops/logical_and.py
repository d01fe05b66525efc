"""LOGICAL_AND, bool; see _logical.py."""

from __future__ import annotations

import numpy as np

from tinygen.ir import Array
from tinygen.ops._logical import Logical


class LogicalAnd(Logical):
    kind = "LOGICAL_AND"
    truth = 0b1000

    def combine(self, a: Array, b: Array) -> Array:
        return np.asarray(np.logical_and(a, b))

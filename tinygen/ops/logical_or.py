"""LOGICAL_OR, bool; see _logical.py."""

from __future__ import annotations

import numpy as np

from tinygen.ir import Array
from tinygen.ops._logical import Logical


class LogicalOr(Logical):
    kind = "LOGICAL_OR"
    truth = 0b1110

    def combine(self, a: Array, b: Array) -> Array:
        return np.asarray(np.logical_or(a, b))

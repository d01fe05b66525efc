"""LOGISTIC, int16; see _sigmoid.py."""

from __future__ import annotations

import numpy as np

from tinygen.ir import Array
from tinygen.ops.int16._sigmoid import Sigmoid


class Logistic(Sigmoid):
    kind = "LOGISTIC"
    largest_power = 0
    fraction_bits = 9

    @property
    def saturated(self) -> int:
        return 0x7FFF << 10

    def finish(self, magnitude: Array, negative: Array) -> Array:
        rounded: Array = np.where(negative, (1 << 25) - magnitude + (1 << 9) - 1, magnitude + (1 << 9)) >> 10
        return rounded

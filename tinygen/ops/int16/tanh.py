"""TANH, int16; see _sigmoid.py."""

from __future__ import annotations

import numpy as np

from tinygen.ir import Array
from tinygen.ops.int16._sigmoid import Sigmoid


class Tanh(Sigmoid):
    kind = "TANH"
    largest_power = 1
    fraction_bits = 8

    @property
    def saturated(self) -> int:
        return 0xFFFF << 8

    def finish(self, magnitude: Array, negative: Array) -> Array:
        above = magnitude - (1 << 23)
        rounded: Array = np.where(negative, -above + (1 << 7) - 1, above + (1 << 7)) >> 8
        return rounded

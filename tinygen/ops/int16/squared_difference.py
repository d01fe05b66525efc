"""SQUARED_DIFFERENCE, int16: as int8's, without headroom; equals TFLM's squared_difference.cc."""

from __future__ import annotations

from tinygen.ir import DType
from tinygen.ops import squared_difference


class SquaredDifference(squared_difference.SquaredDifference):
    kind = "SQUARED_DIFFERENCE"
    dtype = DType.INT16
    kernel = "squared_difference_s16"
    left_shift = 0

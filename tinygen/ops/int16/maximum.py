"""MAXIMUM, int16; equals TFLM's maximum_minimum.cc."""

from __future__ import annotations

from tinygen.ir import DType
from tinygen.ops import maximum


class Maximum(maximum.Maximum):
    kind = "MAXIMUM"
    dtype = DType.INT16
    kernel = "extremum_s16"

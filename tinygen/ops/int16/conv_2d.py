"""CONV_2D, int16 with int8 weights; equals ConvPerChannel for int16 (integer_ops/conv.h)."""

from __future__ import annotations

from tinygen.ir import DType
from tinygen.ops import conv_2d


class Conv2D(conv_2d.Conv2D):
    kind = "CONV_2D"
    dtype = DType.INT16
    kernel = "conv_2d_s16"

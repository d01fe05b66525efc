"""TRANSPOSE_CONV, int16 with int8 weights, bias int64; equals TransposeConv for int16."""

from __future__ import annotations

from tinygen.ir import DType
from tinygen.ops import transpose_conv


class TransposeConv(transpose_conv.TransposeConv):
    kind = "TRANSPOSE_CONV"
    dtype = DType.INT16
    kernel = "transpose_conv_s16"

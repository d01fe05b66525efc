"""MUL, int16; equals TFLM's mul_common.cc and reference/integer_ops/mul.h."""

from __future__ import annotations

from tinygen.ir import DType
from tinygen.ops import mul


class Mul(mul.Mul):
    kind = "MUL"
    dtype = DType.INT16
    kernel = "mul_s16"

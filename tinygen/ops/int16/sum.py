"""SUM over any axes, int16; equals QuantizedMeanOrSum in reference/reduce.h."""

from __future__ import annotations

from tinygen.ir import DType
from tinygen.ops import sum as sum_int8


class Sum(sum_int8.Sum):
    kind = "SUM"
    dtype = DType.INT16
    kernel = "reduce_sum_s16"

"""MEAN over any axes, int16; equals QuantizedMeanOrSum in reference/reduce.h."""

from __future__ import annotations

from tinygen.ir import DType
from tinygen.ops import mean


class Mean(mean.Mean):
    kind = "MEAN"
    dtype = DType.INT16
    kernel = "reduce_sum_s16"
    hw_kernel = "mean_hw_s16"

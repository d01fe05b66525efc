"""REDUCE_MAX over any axes, int16, of which TFLM has only int8: the stored values are compared."""

from __future__ import annotations

from tinygen.ir import DType
from tinygen.ops import reduce_max


class ReduceMax(reduce_max.ReduceMax):
    kind = "REDUCE_MAX"
    dtype = DType.INT16
    kernel = "reduce_max_s16"

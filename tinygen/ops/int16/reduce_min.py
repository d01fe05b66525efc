"""REDUCE_MIN over any axes, int16, of which TFLM has only int8: the stored values are compared."""

from __future__ import annotations

from tinygen.ir import DType
from tinygen.ops import reduce_min


class ReduceMin(reduce_min.ReduceMin):
    kind = "REDUCE_MIN"
    dtype = DType.INT16
    kernel = "reduce_max_s16"

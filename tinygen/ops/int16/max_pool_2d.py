"""MAX_POOL_2D, int16; equals MaxPool for int16 in integer_ops/pooling.h."""

from __future__ import annotations

from tinygen.ir import DType
from tinygen.ops import max_pool_2d


class MaxPool2D(max_pool_2d.MaxPool2D):
    kind = "MAX_POOL_2D"
    dtype = DType.INT16
    kernel = "max_pool_2d_s16"

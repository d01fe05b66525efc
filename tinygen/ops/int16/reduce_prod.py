"""REDUCE_PROD over any axes, int16: the arithmetic of int8."""

from __future__ import annotations

from tinygen.ir import DType
from tinygen.ops import reduce_prod


class ReduceProd(reduce_prod.ReduceProd):
    kind = "REDUCE_PROD"
    dtype = DType.INT16
    wide = 1

"""SUB, int16: as int8's, with 15 bits of headroom instead of 20."""

from __future__ import annotations

from tinygen.ir import DType
from tinygen.ops import sub


class Sub(sub.Sub):
    kind = "SUB"
    dtype = DType.INT16
    kernel = "add_s16"
    left_shift = 15

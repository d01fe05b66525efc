"""ADD, int16: as int8's, with 15 bits of headroom instead of 20; TFLM's kernel knows no other than general scales."""

from __future__ import annotations

from tinygen.ir import DType
from tinygen.ops import add


class Add(add.Add):
    kind = "ADD"
    dtype = DType.INT16
    kernel = "add_s16"
    left_shift = 15

"""RESIZE_BILINEAR, int16: as int8's, in 64 bits. TFLM has only int8 and float."""

from __future__ import annotations

from tinygen.ir import DType
from tinygen.ops import resize_bilinear


class ResizeBilinear(resize_bilinear.ResizeBilinear):
    kind = "RESIZE_BILINEAR"
    dtype = DType.INT16
    kernel = "resize_bilinear_s16"

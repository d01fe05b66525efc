"""GELU, int16; computed as _real.py says."""

from __future__ import annotations

from tinygen.ir import DType
from tinygen.ops import gelu
from tinygen.ops.int16._real import RealFunction16


class Gelu(RealFunction16, gelu.Gelu):
    kind = "GELU"
    dtype = DType.INT16

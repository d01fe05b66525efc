"""EXP, int16; computed as _real.py says."""

from __future__ import annotations

from tinygen.ir import DType
from tinygen.ops import exp
from tinygen.ops.int16._real import RealFunction16


class Exp(RealFunction16, exp.Exp):
    kind = "EXP"
    dtype = DType.INT16

"""LOG, int16; computed as _real.py says."""

from __future__ import annotations

from tinygen.ir import DType
from tinygen.ops import log
from tinygen.ops.int16._real import RealFunction16


class Log(RealFunction16, log.Log):
    kind = "LOG"
    dtype = DType.INT16

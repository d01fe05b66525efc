"""FULLY_CONNECTED, int16 with int8 weights; equals FullyConnected for int16 (integer_ops/fully_connected.h)."""

from __future__ import annotations

from tinygen.ir import DType
from tinygen.ops import fully_connected


class FullyConnected(fully_connected.FullyConnected):
    kind = "FULLY_CONNECTED"
    dtype = DType.INT16
    kernel = "fully_connected_s16"

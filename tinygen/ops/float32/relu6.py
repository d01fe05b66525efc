"""RELU6, float32."""

from __future__ import annotations

from tinygen.ops.float32._unary import FloatClamp


class Relu6(FloatClamp):
    kind = "RELU6"
    low, high = 0.0, 6.0

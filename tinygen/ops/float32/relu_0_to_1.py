"""RELU_0_TO_1, float32."""

from __future__ import annotations

from tinygen.ops.float32._unary import FloatClamp


class Relu0To1(FloatClamp):
    kind = "RELU_0_TO_1"
    low, high = 0.0, 1.0

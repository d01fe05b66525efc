"""RELU_N1_TO_1, float32."""

from __future__ import annotations

from tinygen.ops.float32._unary import FloatClamp


class ReluN1To1(FloatClamp):
    kind = "RELU_N1_TO_1"
    low, high = -1.0, 1.0

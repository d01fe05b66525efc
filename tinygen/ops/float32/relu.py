"""RELU, float32."""

from __future__ import annotations

from tinygen.ops.float32._unary import FloatClamp


class Relu(FloatClamp):
    kind = "RELU"
    low, high = 0.0, float("inf")

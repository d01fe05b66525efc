"""LEAKY_RELU, float32."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygen.ir import Array, Op
from tinygen.ops.float32._unary import FloatUnary
from tinygen.ops.leaky_relu import LeakyReluOptions


class LeakyRelu(FloatUnary):
    kind = "LEAKY_RELU"

    def parse(self, options: Any) -> LeakyReluOptions:
        return LeakyReluOptions(float(options.alpha))

    def constants(self, op: Op) -> tuple[float, float]:
        return op.options.alpha, 0.0

    def apply(self, x: Array, op: Op) -> Array:
        return np.where(x < 0, x * np.float32(op.options.alpha), x)

"""RELU_0_TO_1, int8; computed as ops/_real.py says, for TFLM does not have it."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygen.ir import Array
from tinygen.ops._real import RealFunction


class Relu0To1(RealFunction):
    kind = "RELU_0_TO_1"

    def function(self, x: Array, options: Any) -> Array:
        return np.clip(x, 0, 1)

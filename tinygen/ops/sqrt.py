"""SQRT, int8, of negative inputs 0; computed as ops/_real.py says, for TFLM has only float."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygen.ir import Array
from tinygen.ops._real import RealFunction


class Sqrt(RealFunction):
    kind = "SQRT"

    def function(self, x: Array, options: Any) -> Array:
        return np.asarray(np.sqrt(np.maximum(x, 0)))

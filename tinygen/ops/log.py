"""LOG, int8, of 0 and negative inputs the lowest output; computed as ops/_real.py says, for TFLM has only float."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygen.ir import Array
from tinygen.ops._real import RealFunction


class Log(RealFunction):
    kind = "LOG"

    def function(self, x: Array, options: Any) -> Array:
        return np.asarray(np.log(np.maximum(x, 0)))

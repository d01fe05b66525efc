"""GELU, int8, exact or with its tanh approximation; computed as ops/_real.py says, for TFLM does not have it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygen.ir import Array
from tinygen.ops._real import RealFunction


@dataclass(frozen=True, slots=True)
class GeluOptions:
    approximate: bool


class Gelu(RealFunction):
    kind = "GELU"

    def parse(self, options: Any) -> GeluOptions:
        return GeluOptions(bool(options.approximate))

    def function(self, x: Array, options: GeluOptions) -> Array:
        """x times the normal distribution's function: (1 + erf(x / sqrt(2))) / 2.

        Approximated by (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))) / 2.
        """
        if options.approximate:
            return np.asarray(0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))))
        # erfc keeps its digits where 1 + erf loses them
        return np.array([0.5 * v * math.erfc(-v / math.sqrt(2)) for v in x.tolist()])

"""SUB, float32, with broadcasting and a fused activation."""

from __future__ import annotations

from typing import Any

from tinygen.ir import Array
from tinygen.ops._requantize import activation_name
from tinygen.ops.add import AddOptions
from tinygen.ops.float32._binary import FloatBinary


class Sub(FloatBinary):
    kind = "SUB"

    def parse(self, options: Any) -> AddOptions:
        return AddOptions(activation_name(options.fusedActivationFunction))

    def apply(self, a: Array, b: Array) -> Array:
        return a - b

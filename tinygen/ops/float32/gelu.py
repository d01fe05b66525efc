"""GELU, float32, exact or with its tanh approximation; TFLM does not have it."""

from __future__ import annotations

from typing import Any

from tinygen import floatmath
from tinygen.ir import Array, Op
from tinygen.ops.float32._unary import FloatUnary
from tinygen.ops.gelu import GeluOptions


class Gelu(FloatUnary):
    kind = "GELU"

    def parse(self, options: Any) -> GeluOptions:
        return GeluOptions(bool(options.approximate))

    def kernel_function(self, op: Op) -> str:
        return "GELU_TANH" if op.options.approximate else "GELU"

    def apply(self, x: Array, op: Op) -> Array:
        return floatmath.gelu_tanh(x) if op.options.approximate else floatmath.gelu(x)

"""SOFTMAX, float32, over the last axis."""

from __future__ import annotations

from typing import Any

from tinygen.ir import Op
from tinygen.ops.float32._softmax import FloatSoftmax
from tinygen.ops.softmax import SoftmaxOptions


class Softmax(FloatSoftmax):
    kind = "SOFTMAX"
    logarithm = False

    def parse(self, options: Any) -> SoftmaxOptions:
        return SoftmaxOptions(float(options.beta))

    def beta(self, op: Op) -> float:
        return float(op.options.beta)

"""LOG_SOFTMAX, float32, over the last axis."""

from __future__ import annotations

from tinygen.ir import Op
from tinygen.ops.float32._softmax import FloatSoftmax


class LogSoftmax(FloatSoftmax):
    kind = "LOG_SOFTMAX"
    logarithm = True

    def beta(self, op: Op) -> float:
        return 1.0

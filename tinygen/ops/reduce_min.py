"""REDUCE_MIN over any axes, int8; equals TFLM's EvalMinHelper (reduce_common.cc)."""

from __future__ import annotations

from tinygen.ops.reduce_max import ReduceMax


class ReduceMin(ReduceMax):
    kind = "REDUCE_MIN"
    sign = -1

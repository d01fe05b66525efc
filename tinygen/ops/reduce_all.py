"""REDUCE_ALL over any axes, bool: the smallest byte. TFLM does not have it."""

from __future__ import annotations

from tinygen.ops.reduce_any import ReduceAny


class ReduceAll(ReduceAny):
    kind = "REDUCE_ALL"
    sign = -1

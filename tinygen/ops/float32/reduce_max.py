"""REDUCE_MAX, float32; see _reduce.py."""

from __future__ import annotations

from tinygen.ops.float32._reduce import FloatReduce


class ReduceMax(FloatReduce):
    kind = "REDUCE_MAX"
    function = "MAX"

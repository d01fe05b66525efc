"""REDUCE_MIN, float32; see _reduce.py."""

from __future__ import annotations

from tinygen.ops.float32._reduce import FloatReduce


class ReduceMin(FloatReduce):
    kind = "REDUCE_MIN"
    function = "MIN"

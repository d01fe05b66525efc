"""REDUCE_PROD, float32; see _reduce.py. TFLM does not have it."""

from __future__ import annotations

from tinygen.ops.float32._reduce import FloatReduce


class ReduceProd(FloatReduce):
    kind = "REDUCE_PROD"
    function = "PROD"

"""AVERAGE_POOL_2D, float32; see _pool.py."""

from __future__ import annotations

from tinygen.ops.float32._pool import FloatPool2D


class AveragePool2D(FloatPool2D):
    kind = "AVERAGE_POOL_2D"
    average = True

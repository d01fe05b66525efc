"""AVERAGE_POOL_2D, int16; equals AveragePool for int16 in integer_ops/pooling.h."""

from __future__ import annotations

from tinygen.ir import DType, Graph, Op
from tinygen.ops import average_pool_2d
from tinygen.ops.base import reject

_LARGEST_WINDOW = 1 << 15  # sums, and half of the count that is added to them, must stay in 32 bits


class AveragePool2D(average_pool_2d.AveragePool2D):
    kind = "AVERAGE_POOL_2D"
    dtype = DType.INT16
    kernel = "average_pool_2d_s16"

    def check(self, graph: Graph, op: Op) -> None:
        super().check(graph, op)
        height, width = op.options.window
        if height * width > _LARGEST_WINDOW:
            raise reject(op, f"a window of {height} x {width}: its sum could leave 32 bits")

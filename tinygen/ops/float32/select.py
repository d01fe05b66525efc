"""SELECT, float32 chosen by bool: without broadcasting, but for a condition of one element. TFLM does not have it."""

from __future__ import annotations

from tinygen.ir import Graph, Op
from tinygen.ops.float32.select_v2 import SelectV2
from tinygen.ops.select import need_one_shape


class Select(SelectV2):
    kind = "SELECT"

    def check(self, graph: Graph, op: Op) -> None:
        super().check(graph, op)
        need_one_shape(graph, op)

"""SELECT, int8 chosen by bool: SELECT_V2 without broadcasting, but for a condition of one element.

TFLM has SELECT_V2 only; where all shapes are equal the two are the same.
"""

from __future__ import annotations

from tinygen.ir import Graph, Op
from tinygen.ops.base import reject
from tinygen.ops.select_v2 import SelectV2


class Select(SelectV2):
    kind = "SELECT"

    def check(self, graph: Graph, op: Op) -> None:
        super().check(graph, op)
        need_one_shape(graph, op)


def need_one_shape(graph: Graph, op: Op) -> None:
    """Raise unless the condition chooses element by element, or all at once."""
    condition, first, second = (graph.required(op, i) for i in range(3))
    if first.shape != second.shape or (condition.shape != first.shape and condition.shape not in ((), (1,))):
        raise reject(op, f"the condition {condition.shape} does not choose from {first.shape} and {second.shape}")

"""MEAN, float32; see _reduce.py."""

from __future__ import annotations

from tinygen.ir import Graph, Op
from tinygen.ops._reduce import reduced_count
from tinygen.ops.float32._reduce import FloatReduce


class Mean(FloatReduce):
    kind = "MEAN"
    function = "SUM"

    def divisor(self, graph: Graph, op: Op) -> float:
        return float(reduced_count(graph, op))

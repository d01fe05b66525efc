"""SPLIT_V into pieces of given sizes, any element type; equals TFLM's split_v.cc."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tinygen.ir import Graph, Op
from tinygen.ops._movement import integers, need_axis, need_integers, need_operands, need_same_values
from tinygen.ops._split import SplitOperator
from tinygen.ops.base import reject


@dataclass(frozen=True, slots=True)
class SplitVOptions:
    count: int


class SplitV(SplitOperator):
    kind = "SPLIT_V"
    data_input = 0

    def parse(self, options: Any) -> SplitVOptions:
        return SplitVOptions(int(options.numSplits))

    def check(self, graph: Graph, op: Op) -> None:
        need_operands(graph, op, 3, op.options.count)
        x = graph.required(op, 0)
        need_same_values(op, x, *(graph.output(op, i) for i in range(len(op.outputs))))
        axis = need_axis(op, need_integers(graph, op, 2, "the axis", 1)[0], len(x.shape))
        given = need_integers(graph, op, 1, "the sizes", len(op.outputs))
        sizes = self.sizes(graph, op)
        if given.count(-1) > 1 or min(sizes) < 1 or sum(sizes) != x.shape[axis]:
            raise reject(op, f"the sizes {given} do not add up to {x.shape[axis]}, axis {axis} of {x.shape}")

    def axis(self, graph: Graph, op: Op) -> int:
        return integers(graph, op, 2)[0] % len(graph.required(op, 0).shape)

    def sizes(self, graph: Graph, op: Op) -> tuple[int, ...]:
        """The sizes; -1 is what the others leave."""
        given = integers(graph, op, 1)
        rest = graph.required(op, 0).shape[self.axis(graph, op)] - sum(size for size in given if size != -1)
        return tuple(rest if size == -1 else size for size in given)

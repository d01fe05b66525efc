"""SPLIT into equal pieces, any element type; equals TFLM's split.cc."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tinygen.ir import Graph, Op
from tinygen.ops._movement import integers, need_axis, need_integers, need_operands, need_same_values
from tinygen.ops._split import SplitOperator
from tinygen.ops.base import reject


@dataclass(frozen=True, slots=True)
class SplitOptions:
    count: int


class Split(SplitOperator):
    kind = "SPLIT"
    data_input = 1

    def parse(self, options: Any) -> SplitOptions:
        return SplitOptions(int(options.numSplits))

    def check(self, graph: Graph, op: Op) -> None:
        need_operands(graph, op, 2, op.options.count)
        x = graph.required(op, 1)
        need_same_values(op, x, *(graph.output(op, i) for i in range(len(op.outputs))))
        axis = need_axis(op, need_integers(graph, op, 0, "the axis", 1)[0], len(x.shape))
        if x.shape[axis] % len(op.outputs):
            raise reject(op, f"{x.shape} cannot be cut into {len(op.outputs)} equal pieces along axis {axis}")

    def axis(self, graph: Graph, op: Op) -> int:
        return integers(graph, op, 0)[0] % len(graph.required(op, 1).shape)

    def sizes(self, graph: Graph, op: Op) -> tuple[int, ...]:
        length = graph.required(op, 1).shape[self.axis(graph, op)]
        return (length // len(op.outputs),) * len(op.outputs)

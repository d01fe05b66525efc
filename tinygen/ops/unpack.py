"""UNPACK: the slices along an axis, each without it, any element type; equals TFLM's unpack.cc."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tinygen.ir import Graph, Op
from tinygen.ops._movement import need_axis, need_operands, need_same_values
from tinygen.ops._split import SplitOperator
from tinygen.ops.base import Shape, reject


@dataclass(frozen=True, slots=True)
class UnpackOptions:
    axis: int
    count: int


class Unpack(SplitOperator):
    kind = "UNPACK"
    data_input = 0

    def parse(self, options: Any) -> UnpackOptions:
        return UnpackOptions(int(options.axis), int(options.num))

    def check(self, graph: Graph, op: Op) -> None:
        need_operands(graph, op, 1, op.options.count)
        x = graph.required(op, 0)
        need_same_values(op, x, *(graph.output(op, i) for i in range(len(op.outputs))))
        axis = need_axis(op, op.options.axis, len(x.shape))
        if x.shape[axis] != len(op.outputs):
            raise reject(op, f"{len(op.outputs)} outputs for axis {axis} of {x.shape}")

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        axis, shape = self.axis(graph, op), graph.required(op, 0).shape
        return ((*shape[:axis], *shape[axis + 1 :]),) * len(op.outputs)

    def axis(self, graph: Graph, op: Op) -> int:
        return int(op.options.axis) % len(graph.required(op, 0).shape)

    def sizes(self, graph: Graph, op: Op) -> tuple[int, ...]:
        return (1,) * len(op.outputs)

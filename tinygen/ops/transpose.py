"""TRANSPOSE, any element type, up to 5 dimensions; equals TFLM's transpose.cc."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygen.ir import Array, Graph, Op
from tinygen.ops._copy import Copy, Loop, strides
from tinygen.ops._movement import Mover, integers, need_integers, need_operands, need_rank, need_same_values
from tinygen.ops.base import Shape, reject


class Transpose(Mover):
    kind = "TRANSPOSE"

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_operands(graph, op, 2)
        x = graph.required(op, 0)
        need_same_values(op, x, graph.output(op))
        need_rank(op, x.shape, 1, 5)
        order = need_integers(graph, op, 1, "the order of the axes", len(x.shape))
        if sorted(order) != list(range(len(x.shape))):
            raise reject(op, f"{order} is no order of {len(x.shape)} axes")

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (tuple(graph.required(op, 0).shape[axis] for axis in integers(graph, op, 1)),)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        return (inputs[0].transpose(integers(graph, op, 1)),)

    def copy(self, graph: Graph, op: Op) -> Copy:
        x, y = graph.required(op, 0), graph.output(op)
        of = strides(x.shape, x.dtype.size)
        loops = zip(y.shape, (of[axis] for axis in integers(graph, op, 1)), strides(y.shape, y.dtype.size), strict=True)
        return Copy(tuple(Loop(*loop) for loop in loops))

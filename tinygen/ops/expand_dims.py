"""EXPAND_DIMS: the same bytes with one more axis, of length 1; costs nothing on the device. Equals TFLM's
expand_dims.cc."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygen.ir import Array, Graph, Op
from tinygen.ops._copy import Copy, Loop
from tinygen.ops._movement import Mover, integers, need_axis, need_integers, need_operands, need_same_values
from tinygen.ops.base import Shape


class ExpandDims(Mover):
    kind = "EXPAND_DIMS"

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_operands(graph, op, 2)
        x = graph.required(op, 0)
        need_same_values(op, x, graph.output(op))
        need_axis(op, need_integers(graph, op, 1, "the axis", 1)[0], len(x.shape) + 1)

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        shape = graph.required(op, 0).shape
        axis = integers(graph, op, 1)[0] % (len(shape) + 1)
        return ((*shape[:axis], 1, *shape[axis:]),)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        return (inputs[0].reshape(graph.output(op).shape),)

    def copy(self, graph: Graph, op: Op) -> Copy:
        x = graph.required(op, 0)
        return Copy((Loop(x.elements, x.dtype.size, x.dtype.size),))

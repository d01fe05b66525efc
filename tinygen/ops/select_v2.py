"""SELECT_V2, int8 chosen by bool, with broadcasting; equals TFLM's select.cc and reference/select.h."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygen.ir import Array, Graph, Op
from tinygen.ops._binary import broadcast_call, need_same_quantization
from tinygen.ops._broadcast import broadcast_shape
from tinygen.ops._logical import need_bool
from tinygen.ops.base import KernelCall, Operator, Shape, need_inputs, need_int8


class SelectV2(Operator):
    kind = "SELECT_V2"

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 3, 3)
        need_bool(op, graph.required(op, 0))
        values = (graph.required(op, 1), graph.required(op, 2), graph.output(op))
        need_int8(op, *values)
        need_same_quantization(op, *values)
        self.output_shapes(graph, op)

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (broadcast_shape(op, *(graph.required(op, i).shape for i in range(3))),)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        return (np.where(inputs[0], inputs[1], inputs[2]),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        return (broadcast_call(graph, op, "select_8"),)

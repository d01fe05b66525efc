"""SELECT_V2, float32 chosen by bool, with broadcasting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygen.ir import Array, DType, Graph, Op
from tinygen.ops._binary import broadcast_call
from tinygen.ops._broadcast import broadcast_shape
from tinygen.ops._logical import need_bool
from tinygen.ops.base import KernelCall, Operator, Shape, need_inputs
from tinygen.ops.float32._float import need_float


class SelectV2(Operator):
    kind = "SELECT_V2"
    dtype = DType.FLOAT32

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 3, 3)
        need_bool(op, graph.required(op, 0))
        need_float(op, graph.required(op, 1), graph.required(op, 2), graph.output(op))
        self.output_shapes(graph, op)

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (broadcast_shape(op, *(graph.required(op, i).shape for i in range(3))),)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        return (np.where(inputs[0], inputs[1], inputs[2]),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        return (broadcast_call(graph, op, "select_32"),)

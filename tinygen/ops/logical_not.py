"""LOGICAL_NOT, bool; equals TFLM's logical.cc. On the device, the function of two bools that ignores one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tinygen.ir import Array, Graph, Op
from tinygen.ops._binary import broadcast_call
from tinygen.ops._logical import need_bool
from tinygen.ops.base import KernelCall, Operator, Shape, need_inputs


class LogicalNot(Operator):
    kind = "LOGICAL_NOT"

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 1, 1)
        need_bool(op, graph.required(op, 0), graph.output(op))

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (graph.required(op, 0).shape,)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        return (np.asarray(np.logical_not(inputs[0])),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        twice = replace(op, inputs=op.inputs * 2)
        return (broadcast_call(graph, twice, "logical_b8", ("truth", 0b0001)),)

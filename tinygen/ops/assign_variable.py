"""ASSIGN_VARIABLE: a copy to a resource variable, which later inferences find there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygen.ir import Array, Graph, Op
from tinygen.ops.base import KernelCall, Operator, Shape, reject
from tinygen.ops.read_variable import whole_copy


class AssignVariable(Operator):
    kind = "ASSIGN_VARIABLE"
    variables = (0,)

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        if len(op.inputs) != 2 or len(op.outputs) != 1 or graph.input(op, 1) is None:
            raise reject(op, f"{len(op.inputs)} inputs and {len(op.outputs) - 1} outputs, 2 and 0 expected")
        x, y = graph.required(op, 1), graph.output(op)
        if x.dtype is not y.dtype or x.elements != y.elements:
            raise reject(op, f"the variable is {y.dtype.value} {y.shape}, not {x.dtype.value} {x.shape}")

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (graph.output(op).shape,)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        return (inputs[1].reshape(graph.output(op).shape),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        return whole_copy(graph, op.inputs[1], op.outputs[0])

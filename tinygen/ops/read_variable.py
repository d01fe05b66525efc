"""READ_VARIABLE: a copy of a resource variable, or the variable itself under another name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tinygen.ir import Array, Graph, Op
from tinygen.ops._copy import Copy, Loop, copy_calls
from tinygen.ops.base import KernelCall, Operator, Shape, reject


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """in_place: nothing is copied; passes/read_in_place.py has seen that the variable stays as it is."""

    in_place: bool = False


class ReadVariable(Operator):
    kind = "READ_VARIABLE"
    variables = (0,)
    changes = False

    def parse(self, options: Any) -> ReadOptions:
        return ReadOptions()

    def check(self, graph: Graph, op: Op) -> None:
        if len(op.inputs) != 1 or len(op.outputs) != 1:
            raise reject(op, f"{len(op.inputs)} inputs and {len(op.outputs)} outputs, 1 and 1 expected")
        x, y = graph.required(op, 0), graph.output(op)
        if x.dtype is not y.dtype or x.elements != y.elements:
            raise reject(op, f"the variable is {x.dtype.value} {x.shape}, not {y.dtype.value} {y.shape}")

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (graph.output(op).shape,)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        return (inputs[0].reshape(graph.output(op).shape),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        if op.options.in_place:
            return ()
        return whole_copy(graph, op.inputs[0], op.outputs[0])


def whole_copy(graph: Graph, source: int, target: int) -> tuple[KernelCall, ...]:
    """The call that copies all bytes of a tensor to another one of as many."""
    t = graph.tensors[source]
    return copy_calls(graph, source, target, Copy((Loop(t.elements, t.dtype.size, t.dtype.size),)))

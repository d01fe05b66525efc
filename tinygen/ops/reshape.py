"""RESHAPE: the same bytes under another shape; costs nothing on the device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygen.ir import Array, Graph, Op
from tinygen.ops.base import KernelCall, Operator, Shape, need_inputs, reject


class Reshape(Operator):
    """Any element type. The new shape may be constant, an option or made from SHAPE."""

    kind = "RESHAPE"

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 1, 2)
        x, y = graph.required(op, 0), graph.output(op)
        if x.dtype is not y.dtype or x.elements != y.elements:
            raise reject(op, f"{x.dtype.value} {x.shape} cannot become {y.dtype.value} {y.shape}")
        if x.data is not None and op.outputs[0] in graph.outputs:
            raise reject(op, "an output of the model would be constant")

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        # the new shape may stand in an input, in the options or only in the output: the output has the word
        return (graph.output(op).shape,)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        return (inputs[0].reshape(graph.output(op).shape),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        return ()

"""CONCATENATION along any axis, any element type; equals TFLM's concatenation.cc."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygen.ir import Array, Graph, Op
from tinygen.ops._copy import Copy, Loop, copy_calls, is_identity, strides
from tinygen.ops._movement import may_alias, need_axis, need_operands, need_same_values
from tinygen.ops._requantize import activation_name
from tinygen.ops.base import KernelCall, Operator, Shape, reject


@dataclass(frozen=True, slots=True)
class ConcatenationOptions:
    axis: int
    activation: str


class Concatenation(Operator):
    kind = "CONCATENATION"

    def parse(self, options: Any) -> ConcatenationOptions:
        return ConcatenationOptions(int(options.axis), activation_name(options.fusedActivationFunction))

    def check(self, graph: Graph, op: Op) -> None:
        need_operands(graph, op, max(1, len(op.inputs)))
        need_same_values(op, graph.output(op), *(graph.required(op, i) for i in range(len(op.inputs))))
        if op.options.activation != "NONE":
            raise reject(op, f"the activation {op.options.activation} is not supported (nor does TFLM)")
        shapes = [graph.required(op, i).shape for i in range(len(op.inputs))]
        axis = need_axis(op, op.options.axis, len(shapes[0]))
        if len({(len(s), s[:axis], s[axis + 1 :]) for s in shapes}) > 1:
            raise reject(op, f"shapes {', '.join(map(str, shapes))} do not fit along axis {axis}")

    def _axis(self, graph: Graph, op: Op) -> int:
        return int(op.options.axis) % len(graph.required(op, 0).shape)

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        axis, first = self._axis(graph, op), graph.required(op, 0).shape
        total = sum(graph.required(op, i).shape[axis] for i in range(len(op.inputs)))
        return ((*first[:axis], total, *first[axis + 1 :]),)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        return (np.concatenate(inputs, self._axis(graph, op)),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        axis, y = self._axis(graph, op), graph.output(op)
        to = strides(y.shape, y.dtype.size)
        calls: tuple[KernelCall, ...] = ()
        position = 0
        for source in op.inputs:
            shape = graph.tensors[source].shape
            loops = tuple(Loop(*loop) for loop in zip(shape, strides(shape, y.dtype.size), to, strict=True))
            copy = Copy(loops, output_offset=position * to[axis])
            if len(op.inputs) == 1 and may_alias(graph, op) and is_identity(graph, source, op.outputs[0], copy):
                return ()
            calls += copy_calls(graph, source, op.outputs[0], copy)
            position += shape[axis]
        return calls

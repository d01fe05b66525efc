"""PACK: tensors of one shape side by side along a new axis, any element type; equals TFLM's pack.cc."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygen.ir import Array, Graph, Op
from tinygen.ops._copy import Copy, Loop, copy_calls, strides
from tinygen.ops._movement import may_alias, need_axis, need_operands, need_same_values
from tinygen.ops.base import KernelCall, Operator, Shape, reject


@dataclass(frozen=True, slots=True)
class PackOptions:
    axis: int
    count: int


class Pack(Operator):
    kind = "PACK"

    def parse(self, options: Any) -> PackOptions:
        return PackOptions(int(options.axis), int(options.valuesCount))

    def check(self, graph: Graph, op: Op) -> None:
        need_operands(graph, op, max(1, op.options.count))
        inputs = [graph.required(op, i) for i in range(len(op.inputs))]
        need_same_values(op, graph.output(op), *inputs)
        need_axis(op, op.options.axis, len(inputs[0].shape) + 1)
        if len({x.shape for x in inputs}) > 1:
            raise reject(op, f"inputs of different shapes: {', '.join(str(x.shape) for x in inputs)}")

    def _axis(self, graph: Graph, op: Op) -> int:
        return int(op.options.axis) % (len(graph.required(op, 0).shape) + 1)

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        axis, shape = self._axis(graph, op), graph.required(op, 0).shape
        return ((*shape[:axis], len(op.inputs), *shape[axis:]),)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        return (np.stack(inputs, self._axis(graph, op)),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        if len(op.inputs) == 1 and may_alias(graph, op):
            return ()
        axis, x, y = self._axis(graph, op), graph.required(op, 0), graph.output(op)
        to = strides(y.shape, y.dtype.size)
        loops = zip(x.shape, strides(x.shape, x.dtype.size), to[:axis] + to[axis + 1 :], strict=True)
        copy = tuple(Loop(*loop) for loop in loops)
        calls: tuple[KernelCall, ...] = ()
        for index, source in enumerate(op.inputs):
            calls += copy_calls(graph, source, op.outputs[0], Copy(copy, output_offset=index * to[axis]))
        return calls

"""ARG_MAX along one axis, int8 in, int32 out; equals ArgMinMax in reference/arg_min_max.h: the first of equals."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from tinygen.ir import Array, DType, Graph, Op
from tinygen.ops._reduce import constant_axes
from tinygen.ops.base import KernelCall, Operand, Operator, Shape, need_inputs, need_int8, reject, row_by_row

_INT32 = 2  # TensorType.INT32


class ArgMax(Operator):
    kind = "ARG_MAX"
    sign = 1  # the kernel looks for the largest of sign * x

    def parse(self, options: Any) -> int:
        """The type of the output, as the schema numbers it."""
        return int(options.outputType)

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 2, 2)
        x, y = graph.required(op, 0), graph.output(op)
        need_int8(op, x)
        if op.options != _INT32 or y.dtype is not DType.INT32:
            raise reject(op, f"the output is {y.dtype.value}, int32 expected", "ask for output_type=tf.int32")
        if not x.shape or x.elements == 0:
            raise reject(op, f"an input of the shape {x.shape}")
        if graph.required(op, 1).elements != 1:
            raise reject(op, "one axis expected")
        constant_axes(graph, op, len(x.shape))

    def _axis(self, graph: Graph, op: Op) -> int:
        return constant_axes(graph, op, len(graph.required(op, 0).shape))[0]

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        shape, axis = graph.required(op, 0).shape, self._axis(graph, op)
        return ((*shape[:axis], *shape[axis + 1 :]),)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        found = (self.sign * inputs[0].astype(np.int32)).argmax(axis=self._axis(graph, op))
        return (np.asarray(found, np.int32),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        shape, axis = graph.required(op, 0).shape, self._axis(graph, op)
        rows, inner = prod(shape[:axis]), prod(shape[axis + 1 :])
        return (
            KernelCall(
                kernel="arg_max_s8",
                params=(("elements", shape[axis]), ("inner", inner), ("sign", self.sign)),
                inputs=(Operand(op.inputs[0], 1, rows, shape[axis] * inner),),
                output=Operand(op.outputs[0], 1, rows, 4 * inner),
                rows=rows,
                reads=(row_by_row(rows),),
            ),
        )

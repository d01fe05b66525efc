"""CAST between int8, int16, int32, float32 and bool; equals TFLM's cast.cc: the stored number, no scale.

Integers wrap, as TFLM's do. A float that its integer type does not hold saturates, and NaN becomes 0: in TFLM
the result is undefined.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygen.ir import Array, DType, Graph, Op
from tinygen.ops.base import KernelCall, Operator, Shape, need_inputs, operand, reject, row_by_row

_TYPES = (DType.INT8, DType.INT16, DType.INT32, DType.FLOAT32, DType.BOOL)  # in the order of cast.h


class Cast(Operator):
    kind = "CAST"

    def parse(self, options: Any) -> None:
        return None  # the types stand in the tensors too, and may be missing here

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 1, 1)
        for tensor in (graph.required(op, 0), graph.output(op)):
            if tensor.dtype not in _TYPES:
                raise reject(op, f"tensor '{tensor.name}' is {tensor.dtype.value}, which CAST does not support")

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (graph.required(op, 0).shape,)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        x, target = inputs[0], np.dtype(graph.output(op).dtype.value)
        if x.dtype == np.float32 and target.kind == "i":
            limits = np.iinfo(target)
            whole = np.clip(np.trunc(np.where(np.isnan(x), 0, x).astype(np.float64)), limits.min, limits.max)
            return (whole.astype(target),)
        return (x.astype(target),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        x, y = graph.required(op, 0), graph.output(op)
        output = operand(graph, op.outputs[0])
        return (
            KernelCall(
                kernel="cast",
                params=(
                    ("row_elements", output.row_bytes // y.dtype.size),
                    ("from", _TYPES.index(x.dtype)),
                    ("to", _TYPES.index(y.dtype)),
                ),
                inputs=(operand(graph, op.inputs[0]),),
                output=output,
                rows=output.rows,
                reads=(row_by_row(output.rows),),
            ),
        )

"""DEQUANTIZE from int8 to float32; equals Dequantize in reference/dequantize.h."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygen.ir import Array, DType, Graph, Op
from tinygen.ops.base import KernelCall, Operator, Shape, need_inputs, need_quantized, operand, reject, row_by_row


class Dequantize(Operator):
    kind = "DEQUANTIZE"

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 1, 1)
        need_quantized(op, self.dtype, graph.required(op, 0))
        if graph.output(op).dtype is not DType.FLOAT32:
            raise reject(op, f"to {graph.output(op).dtype.value} is not supported")

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (graph.required(op, 0).shape,)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        x = graph.required(op, 0)
        return (dequantize_array(inputs[0], x.scale, x.zero_point),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        x, source = graph.required(op, 0), operand(graph, op.inputs[0])
        return (
            KernelCall(
                kernel="dequantize_s8_f32",
                params=(("row_elements", source.row_bytes), ("scale", x.scale), ("zero_point", x.zero_point)),
                inputs=(source,),
                output=operand(graph, op.outputs[0]),
                rows=source.rows,
                reads=(row_by_row(source.rows),),
            ),
        )


def dequantize_array(x: Array, scale: float, zero_point: int) -> Array:
    """int8 to float32: scale * (x - zero_point), rounded once (TFLM's product is a double, then a float)."""
    return ((x.astype(np.int32) - zero_point) * float(scale)).astype(np.float32)

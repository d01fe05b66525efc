"""DEQUANTIZE from int8 or uint8 to float32; equals Dequantize in reference/dequantize.h.

Of a constant, also per channel or float16, load/tflite.py has computed it already.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygen.ir import Array, DType, Graph, Op, Tensor
from tinygen.ops._table import BYTES
from tinygen.ops.base import (
    KernelCall,
    Operator,
    Shape,
    need_inputs,
    need_per_tensor,
    need_quantized,
    operand,
    reject,
    row_by_row,
)


class Dequantize(Operator):
    kind = "DEQUANTIZE"

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 1, 1)
        x = graph.required(op, 0)
        if graph.output(op).dtype is not DType.FLOAT32:
            raise reject(op, f"to {graph.output(op).dtype.value} is not supported")
        if x.dtype is DType.UINT8:
            need_per_tensor(op, x)
        else:
            need_quantized(op, self.dtype, x)

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (graph.required(op, 0).shape,)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        return (dequantize_tensor(graph.required(op, 0), inputs[0]),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        x, source = graph.required(op, 0), operand(graph, op.inputs[0])
        assert x.dtype in BYTES
        return (
            KernelCall(
                kernel="dequantize_s8_f32",
                params=(
                    ("row_elements", source.row_bytes),
                    ("scale", x.scale),
                    ("zero_point", x.zero_point),
                    ("is_unsigned", int(x.dtype is DType.UINT8)),
                ),
                inputs=(source,),
                output=operand(graph, op.outputs[0]),
                rows=source.rows,
                reads=(row_by_row(source.rows),),
            ),
        )


def dequantize_tensor(tensor: Tensor, values: Array) -> Array:
    """What a tensor's values stand for, float32; floats as they are. Scales may be one, or one per channel."""
    q = tensor.quantization
    if tensor.dtype is DType.FLOAT32 or q is None:
        return values.astype(np.float32)
    if not q.per_channel:
        return dequantize_array(values, tensor.scale, tensor.zero_point)
    along = [-1 if i == q.axis else 1 for i in range(len(tensor.shape))]
    steps = values.astype(np.int64) - np.array(q.zero_point, np.int64).reshape(along)
    return (steps * np.array(q.scale, np.float64).reshape(along)).astype(np.float32)


def dequantize_array(x: Array, scale: float, zero_point: int) -> Array:
    """int8 to float32: scale * (x - zero_point), rounded once (TFLM's product is a double, then a float)."""
    return ((x.astype(np.int32) - zero_point) * float(scale)).astype(np.float32)

"""QUANTIZE between int8 and int16, a change of scale of int16, or from float32; equals quantize_common.cc."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygen.fixedpoint import quantize_multiplier
from tinygen.ir import Array, DType, Graph, Op
from tinygen.ops._requantize import need_multiplier, type_range
from tinygen.ops.base import KernelCall, need_inputs, need_quantized, operand, reject, row_by_row
from tinygen.ops.int16._rescale import LARGEST_SHIFT, Rescaler, Rescaling
from tinygen.ops.quantize import quantize_array


class Quantize(Rescaler):
    kind = "QUANTIZE"
    dtype = DType.INT16

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 1, 1)
        x, y = graph.required(op, 0), graph.output(op)
        if (x.dtype, y.dtype) == (DType.FLOAT32, DType.INT16):
            need_quantized(op, self.dtype, y)
            return
        if not {x.dtype, y.dtype} <= {DType.INT8, DType.INT16}:
            raise reject(op, f"from {x.dtype.value} to {y.dtype.value} is not supported")
        for tensor in (x, y):
            need_quantized(op, tensor.dtype, tensor)
        need_multiplier(op, x.scale / y.scale, LARGEST_SHIFT)

    def rescaling(self, graph: Graph, op: Op) -> Rescaling:
        y = graph.output(op)
        multiplier = quantize_multiplier(graph.required(op, 0).scale / y.scale)
        return Rescaling(multiplier, multiplier, type_range(y.dtype))

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        if graph.required(op, 0).dtype is not DType.FLOAT32:
            return super().reference(graph, op, inputs)
        return (quantize_array(inputs[0], graph.output(op).scale, 0, "int16"),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        if graph.required(op, 0).dtype is not DType.FLOAT32:
            return super().lower(graph, op)
        y, output = graph.output(op), operand(graph, op.outputs[0])
        return (
            KernelCall(
                kernel="quantize_f32_s16",
                params=(("row_elements", output.row_bytes // 2), ("scale", y.scale)),
                inputs=(operand(graph, op.inputs[0]),),
                output=output,
                rows=output.rows,
                reads=(row_by_row(output.rows),),
            ),
        )

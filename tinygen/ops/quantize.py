"""QUANTIZE to int8 from int8 (a change of scale) or float32; equals TFLM's quantize_common.cc."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygen.fixedpoint import multiply_by_quantized_multiplier, quantize_multiplier
from tinygen.ir import Array, DType, Graph, Op
from tinygen.ops._requantize import need_multiplier
from tinygen.ops._table import ALL_INT8, TableOperator
from tinygen.ops.base import KernelCall, need_inputs, need_int8, operand, reject


class Quantize(TableOperator):
    kind = "QUANTIZE"

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 1, 1)
        x = graph.required(op, 0)
        need_int8(op, graph.output(op))
        if x.dtype is DType.INT8:
            need_int8(op, x)
            need_multiplier(op, x.scale / graph.output(op).scale)
        elif x.dtype is not DType.FLOAT32:
            raise reject(op, f"from {x.dtype.value} to int8 is not supported")

    def table(self, graph: Graph, op: Op) -> Array:
        x, y = graph.required(op, 0), graph.output(op)
        multiplier, shift = quantize_multiplier(x.scale / y.scale)
        scaled = multiply_by_quantized_multiplier(ALL_INT8 - x.zero_point, multiplier, shift) + y.zero_point
        return np.clip(scaled, -128, 127).astype(np.int8)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        if graph.required(op, 0).dtype is DType.INT8:
            return super().reference(graph, op, inputs)
        y = graph.output(op)
        return (quantize_array(inputs[0], y.scale, y.zero_point),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        if graph.required(op, 0).dtype is DType.INT8:
            return super().lower(graph, op)
        y, output = graph.output(op), operand(graph, op.outputs[0])
        return (
            KernelCall(
                kernel="quantize_f32_s8",
                params=(("row_elements", output.row_bytes), ("scale", y.scale), ("zero_point", y.zero_point)),
                inputs=(operand(graph, op.inputs[0]),),
                output=output,
                rows=output.rows,
            ),
        )


def quantize_array(x: Array, scale: float, zero_point: int) -> Array:
    """float32 to int8: round(x / scale) + zero_point, saturated; AffineQuantize of reference/quantize.h.

    The division is float32, halves round away from zero; NaN becomes the zero point.
    """
    with np.errstate(over="ignore"):  # what becomes infinite saturates
        steps = np.nan_to_num(x.astype(np.float32) / np.float32(scale), nan=0.0).astype(np.float64)
    rounded = np.copysign(np.floor(np.abs(steps) + 0.5), steps)
    quantized: Array = np.clip(rounded + zero_point, -128, 127).astype(np.int8)
    return quantized

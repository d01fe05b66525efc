"""QUANTIZE between int8 and uint8 (a change of scale), or from float32; equals TFLM's quantize_common.cc."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygen.fixedpoint import multiply_by_quantized_multiplier, quantize_multiplier
from tinygen.ir import Array, DType, Graph, Op
from tinygen.ops._requantize import need_multiplier
from tinygen.ops._table import BYTES, TableOperator, domain, saturate
from tinygen.ops.base import KernelCall, need_inputs, need_per_tensor, operand, reject, row_by_row


class Quantize(TableOperator):
    """Also from uint8, to uint8, and from float32 at the border of a model."""

    kind = "QUANTIZE"

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 1, 1)
        x, y = graph.required(op, 0), graph.output(op)
        need_per_tensor(op, y)
        if (x.dtype, y.dtype) == (DType.FLOAT32, DType.INT8):
            return
        if (x.dtype, y.dtype) == (DType.UINT8, DType.UINT8) or not {x.dtype, y.dtype} <= set(BYTES):
            raise reject(op, f"from {x.dtype.value} to {y.dtype.value} is not supported")
        need_per_tensor(op, x)
        need_multiplier(op, x.scale / y.scale)

    def table(self, graph: Graph, op: Op) -> Array:
        x, y = graph.required(op, 0), graph.output(op)
        multiplier, shift = quantize_multiplier(x.scale / y.scale)
        scaled = multiply_by_quantized_multiplier(domain(x) - x.zero_point, multiplier, shift)
        return saturate(scaled + y.zero_point, y)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        if graph.required(op, 0).dtype in BYTES:
            return super().reference(graph, op, inputs)
        y = graph.output(op)
        return (quantize_array(inputs[0], y.scale, y.zero_point),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        if graph.required(op, 0).dtype in BYTES:
            return super().lower(graph, op)
        y, output = graph.output(op), operand(graph, op.outputs[0])
        return (
            KernelCall(
                kernel="quantize_f32_s8",
                params=(("row_elements", output.row_bytes), ("scale", y.scale), ("zero_point", y.zero_point)),
                inputs=(operand(graph, op.inputs[0]),),
                output=output,
                rows=output.rows,
                reads=(row_by_row(output.rows),),
                in_place=(0,),
            ),
        )


def quantize_array(x: Array, scale: float, zero_point: int, dtype: str = "int8") -> Array:
    """float32 to int8 (or uint8): round(x / scale) + zero_point, saturated; AffineQuantize of reference/quantize.h.

    The division is float32, halves round away from zero; NaN becomes the zero point.
    """
    with np.errstate(over="ignore"):  # what becomes infinite saturates
        steps = np.nan_to_num(x.astype(np.float32) / np.float32(scale), nan=0.0).astype(np.float64)
    rounded = np.copysign(np.floor(np.abs(steps) + 0.5), steps)
    limits = np.iinfo(dtype)
    quantized: Array = np.clip(rounded + zero_point, limits.min, limits.max).astype(dtype)
    return quantized

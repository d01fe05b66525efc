"""MEAN over height and width, int8; equals QuantizedMeanOrSum in reference/reduce.h."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygen.fixedpoint import multiply_by_quantized_multiplier, quantize_multiplier
from tinygen.ir import Array, DType, Graph, Op
from tinygen.ops._requantize import need_multiplier
from tinygen.ops.base import (
    KernelCall,
    Operand,
    Operator,
    Shape,
    need_constant,
    need_inputs,
    need_int8,
    operand,
    reject,
)

_AXES = {1: 1, 2: 2, -3: 1, -2: 2}


@dataclass(frozen=True, slots=True)
class MeanOptions:
    keep_dims: bool


class Mean(Operator):
    kind = "MEAN"

    def parse(self, options: Any) -> MeanOptions:
        return MeanOptions(bool(options.keepDims))

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 2, 2)
        x, axes = graph.required(op, 0), graph.required(op, 1)
        need_int8(op, x, graph.output(op))
        data = need_constant(op, axes, "the axes")
        if axes.dtype is not DType.INT32 or len(x.shape) != 4 or {_AXES.get(int(a)) for a in data.flat} != {1, 2}:
            raise reject(op, f"only the mean over height and width of a 4-D tensor is supported, not {x.shape}")
        if x.elements == 0:
            raise reject(op, "the input is empty")
        need_multiplier(op, x.scale / graph.output(op).scale)

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        n, _, _, c = graph.required(op, 0).shape
        return ((n, 1, 1, c),) if op.options.keep_dims else ((n, c),)

    def _multiplier(self, graph: Graph, op: Op) -> tuple[int, int]:
        """The output multiplier with 1 / count in it; not renormalised, as TFLM has it."""
        x = graph.required(op, 0)
        multiplier, shift = quantize_multiplier(x.scale / graph.output(op).scale)
        count = x.shape[1] * x.shape[2]
        extra = min(count.bit_length() - 1, 32, 31 + shift)
        return (multiplier << extra) // count, shift - extra

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        x, y = graph.required(op, 0), graph.output(op)
        total = inputs[0].astype(np.int64).sum(axis=(1, 2)) - x.zero_point * x.shape[1] * x.shape[2]
        scaled = multiply_by_quantized_multiplier(total, *self._multiplier(graph, op)) + y.zero_point
        return (np.clip(scaled, -128, 127).astype(np.int8).reshape(y.shape),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        x, y = graph.required(op, 0), graph.output(op)
        images, height, width, channels = x.shape
        multiplier, shift = self._multiplier(graph, op)
        return (
            KernelCall(
                kernel="mean_hw_s8",
                params=(
                    ("input_height", height),
                    ("input_width", width),
                    ("channels", channels),
                    ("input_zero_sum", x.zero_point * height * width),
                    ("output_zero_point", y.zero_point),
                    ("multiplier", multiplier),
                    ("shift", shift),
                ),
                inputs=(operand(graph, op.inputs[0]),),
                output=Operand(op.outputs[0], images, 1, channels),
                rows=height,
                carry_bytes=4 * channels,
            ),
        )

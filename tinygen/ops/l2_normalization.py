"""L2_NORMALIZATION, int8, over the last axis; equals reference/integer_ops/l2normalization.h.

Each row is divided by the root of its sum of squares; a row of zeros stays zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygen.fixedpoint import multiply_by_quantized_multiplier
from tinygen.ir import Array, Graph, Op
from tinygen.ops._functions import inverse_sqrt
from tinygen.ops._requantize import activation_name
from tinygen.ops.base import KernelCall, Operator, Shape, flat_operand, need_inputs, need_int8, reject, row_by_row

_OUTPUT_BITS = 7
_LONGEST = ((1 << 31) - 1) // 255**2  # elements whose squares fit an int32


@dataclass(frozen=True, slots=True)
class L2NormalizationOptions:
    activation: str


class L2Normalization(Operator):
    """The output has scale 1/128 and zero point 0; no fused activation."""

    kind = "L2_NORMALIZATION"

    def parse(self, options: Any) -> L2NormalizationOptions:
        return L2NormalizationOptions(activation_name(options.fusedActivationFunction))

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 1, 1)
        x, y = graph.required(op, 0), graph.output(op)
        need_int8(op, x, y)
        if op.options.activation != "NONE":
            raise reject(op, f"fused activation {op.options.activation} is not supported (TFLM refuses it too)")
        if not 1 <= len(x.shape) <= 4 or not 1 <= x.shape[-1] <= _LONGEST:
            raise reject(op, f"input {x.shape}: 1 to 4 dimensions, the last of 1 to {_LONGEST} elements, are supported")
        if (y.scale, y.zero_point) != (2.0**-_OUTPUT_BITS, 0):
            raise reject(op, "the output must have scale 1/128 and zero point 0 (TFLM computes with these anyway)")

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (graph.required(op, 0).shape,)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        steps = inputs[0].astype(np.int64) - graph.required(op, 0).zero_point
        sums = (steps * steps).sum(axis=-1, keepdims=True)
        pairs = np.array([inverse_sqrt(int(s)) for s in sums.flat], np.int64).reshape(*sums.shape, 2)
        scaled = multiply_by_quantized_multiplier(steps, pairs[..., 0], pairs[..., 1] + _OUTPUT_BITS)
        return (np.clip(scaled, -128, 127).astype(np.int8),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        y = graph.output(op)
        depth = y.shape[-1]
        return (
            KernelCall(
                kernel="l2_normalization_s8",
                params=(("depth", depth), ("input_zero_point", graph.required(op, 0).zero_point)),
                inputs=(flat_operand(graph, op.inputs[0], depth),),
                output=flat_operand(graph, op.outputs[0], depth),
                rows=y.elements // depth,
                reads=(row_by_row(y.elements // depth),),
            ),
        )

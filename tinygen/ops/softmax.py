"""SOFTMAX, int8 to int8 over the last axis; equals reference/softmax.h (Q5.26 fixed-point exp).

The exponential of every possible difference to the row's maximum is a table made here, so that the device
only adds, takes one reciprocal and multiplies.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygen import fixedpoint
from tinygen.ir import Array, Graph, Op
from tinygen.ops.base import (
    Constant,
    KernelCall,
    Operator,
    Shape,
    flat_operand,
    need_inputs,
    need_int8,
    reject,
    row_by_row,
)

_INTEGER_BITS = 5
_SUM_BITS = 12


@dataclass(frozen=True, slots=True)
class SoftmaxOptions:
    beta: float


class Softmax(Operator):
    """The output has scale 1/256 and zero point -128, as converters write it; fewer than 4096 classes."""

    kind = "SOFTMAX"

    def parse(self, options: Any) -> SoftmaxOptions:
        return SoftmaxOptions(float(options.beta))

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 1, 1)
        x, y = graph.required(op, 0), graph.output(op)
        need_int8(op, x, y)
        if not x.shape or x.shape[-1] == 0:
            raise reject(op, f"input {x.shape} has no last axis")
        # the sum of the exponentials has 12 integer bits, as TFLM's
        if x.shape[-1] >= 1 << _SUM_BITS:
            raise reject(op, f"{x.shape[-1]} classes, at most {(1 << _SUM_BITS) - 1} are supported")
        if y.zero_point != -128 or y.scale != 1 / 256:
            raise reject(op, "the output must have scale 1/256 and zero point -128 (TFLM asks for it too)")
        if not 1.0 < op.options.beta * x.scale * (1 << (31 - _INTEGER_BITS)) < math.inf:
            raise reject(
                op,
                f"input scale {x.scale:g} is degenerate: every class would score the same (TFLM aborts on it)",
                "the calibration data never moved this layer; calibrate with real data",
            )

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (graph.required(op, 0).shape,)

    def _exp_table(self, graph: Graph, op: Op) -> Array:
        """exp of -0, -1, -2 ... input steps as raw Q0.31; differences beyond the table count as 0."""
        real = op.options.beta * graph.required(op, 0).scale * (1 << (31 - _INTEGER_BITS))
        multiplier, left_shift = fixedpoint.quantize_multiplier(min(real, float((1 << 31) - 1)))
        radius = math.floor(((1 << _INTEGER_BITS) - 1) * (1 << (31 - _INTEGER_BITS)) / (1 << left_shift))
        differences = range(min(radius, 255) + 1)
        rescaled = (fixedpoint.srdhm(-d * (1 << left_shift), multiplier) for d in differences)
        return np.array([fixedpoint.exp_on_negative_values(a) for a in rescaled], np.int32)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        table = self._exp_table(graph, op)
        x = inputs[0].astype(np.int64)
        difference = x.max(axis=-1, keepdims=True) - x
        known = difference < len(table)
        exps = np.where(known, table[np.minimum(difference, len(table) - 1)], 0).astype(np.int64)
        sums = ((exps + (1 << (_SUM_BITS - 1))) >> _SUM_BITS).sum(axis=-1)
        out = np.full(x.shape, -128, np.int8)
        for row in np.ndindex(sums.shape):
            scale, over_unit = fixedpoint.reciprocal_of_sum(int(sums[row]), _SUM_BITS)
            scaled = multiply_high(scale, exps[row])
            shifted = _divide_by_pot(scaled, over_unit + 23) - 128
            out[row] = np.where(known[row], np.minimum(shifted, 127), -128)
        return (out,)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        table = self._exp_table(graph, op)
        depth = graph.output(op).shape[-1]
        return (
            KernelCall(
                kernel="softmax_s8",
                params=(
                    ("depth", depth),
                    ("exp_count", len(table)),
                    ("exp_table", Constant("exp_table", table)),
                ),
                inputs=(flat_operand(graph, op.inputs[0], depth),),
                output=flat_operand(graph, op.outputs[0], depth),
                rows=graph.output(op).elements // depth,
                reads=(row_by_row(graph.output(op).elements // depth),),
            ),
        )


def multiply_high(scale: int, exps: Array) -> Array:
    """SaturatingRoundingDoublingHighMul of two non-negative Q0.31 values."""
    return (exps * scale + (1 << 30)) >> 31


def _divide_by_pot(x: Array, exponent: int) -> Array:
    """RoundingDivideByPOT of non-negative values."""
    return (x + ((1 << exponent) >> 1)) >> exponent

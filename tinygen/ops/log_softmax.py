"""LOG_SOFTMAX, int8 to int8 over the last axis; equals reference/log_softmax.h (Q5.26 fixed-point exp and log).

As for SOFTMAX, the exponential of every possible difference to the row's maximum is a table made here.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from tinygen import fixedpoint
from tinygen.fixedpoint import multiply_by_quantized_multiplier, quantize_multiplier
from tinygen.ir import Array, Graph, Op
from tinygen.ops._functions import input_scaling, log_of_sum
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
_LARGEST = float((1 << 31) - 1) * 2.0**-26  # input scales above are taken as this


class LogSoftmax(Operator):
    kind = "LOG_SOFTMAX"

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 1, 1)
        x, y = graph.required(op, 0), graph.output(op)
        need_int8(op, x, y)
        # the sum of the exponentials has 12 integer bits, as TFLM's
        if not x.shape or not 1 <= x.shape[-1] < 1 << _SUM_BITS:
            raise reject(op, f"input {x.shape}: the last axis must have 1 to {(1 << _SUM_BITS) - 1} elements")
        if (y.scale, y.zero_point) != (1 / 16, 127):
            raise reject(op, "the output must have scale 1/16 and zero point 127 (TFLM asks for it too)")
        if not x.scale > 2.0**-26:
            raise reject(
                op,
                f"input scale {x.scale:g} is degenerate: every class would score the same (TFLM aborts on it)",
                "the calibration data never moved this layer; calibrate with real data",
            )

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (graph.required(op, 0).shape,)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        (multiplier, shift), inverse = _scaling(graph.required(op, 0).scale)
        table = np.array(_exp_table(graph.required(op, 0).scale), np.int64)
        x = inputs[0].astype(np.int64)
        difference = x.max(axis=-1, keepdims=True) - x
        known = difference < len(table)
        sums = np.where(known, table[np.minimum(difference, len(table) - 1)], 0).sum(axis=-1)
        log_sums = np.array([log_of_sum(int(total)) for total in sums.flat], np.int64).reshape(*sums.shape, 1)
        # what difference - log_sum still fits Q5.26
        lowest = multiply_by_quantized_multiplier((log_sums + fixedpoint.INT32_MIN).astype(np.int32), *inverse)
        scored = known & (-difference > lowest)
        real = multiply_by_quantized_multiplier(-np.where(scored, difference, 0), multiplier, shift)
        logs = (real - log_sums).astype(np.int32).astype(np.int64)
        steps = np.sign(logs) * ((np.abs(logs) + (1 << 21)) >> 22)  # rounded half away from zero
        return (np.where(scored, np.clip(steps + 127, -128, 127), -128).astype(np.int8),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        scale = graph.required(op, 0).scale
        (multiplier, shift), inverse = _scaling(scale)
        table = np.array(_exp_table(scale), np.int32)
        depth = graph.output(op).shape[-1]
        return (
            KernelCall(
                kernel="log_softmax_s8",
                params=(
                    ("depth", depth),
                    ("multiplier", multiplier),
                    ("shift", shift),
                    ("inverse_multiplier", inverse[0]),
                    ("inverse_shift", inverse[1]),
                    ("exp_count", len(table)),
                    ("exp_table", Constant("exp_table", table)),
                ),
                inputs=(flat_operand(graph, op.inputs[0], depth),),
                output=flat_operand(graph, op.outputs[0], depth),
                rows=graph.output(op).elements // depth,
                reads=(row_by_row(graph.output(op).elements // depth),),
            ),
        )


def _scaling(scale: float) -> tuple[tuple[int, int], tuple[int, int]]:
    """(multiplier, shift) from input steps to Q5.26, and back; PreprocessLogSoftmaxScalingExp."""
    multiplier, shift, _ = input_scaling(min(scale, _LARGEST), _INTEGER_BITS)
    return (multiplier, shift), quantize_multiplier((1 << (31 - shift)) / multiplier)


@lru_cache(maxsize=16)
def _exp_table(scale: float) -> tuple[int, ...]:
    """exp of -0, -1, -2 ... input steps as raw Q12.19; differences beyond the table count as 0."""
    multiplier, shift, radius = input_scaling(min(scale, _LARGEST), _INTEGER_BITS)
    reals = (int(multiply_by_quantized_multiplier(-d, multiplier, shift)) for d in range(min(radius, 255) + 1))
    return tuple(fixedpoint.rounding_divide_by_pot(fixedpoint.exp_on_negative_values(a), _SUM_BITS) for a in reals)

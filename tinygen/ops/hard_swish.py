"""HARD_SWISH, int8: x * min(max(x + 3, 0), 6) / 6; equals hard_swish_common.cc and reference/hard_swish.h.

Everything is int16 fixed point there, and the scales are divided in float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygen.fixedpoint import quantize_multiplier
from tinygen.ir import Array, Graph, Op
from tinygen.ops._table import ALL_INT8, TableOperator
from tinygen.ops.base import need_inputs, need_int8, reject

_THREE = np.float32(3) / np.float32(32768)  # the scale at which 3.0 is 2**15


class HardSwish(TableOperator):
    kind = "HARD_SWISH"

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 1, 1)
        x, y = graph.required(op, 0), graph.output(op)
        need_int8(op, x, y)
        (_, output_shift), (_, gate_shift) = self._multipliers(graph, op)
        if output_shift > 0:
            raise reject(op, "the output scale is over 128 times smaller than the input's (TFLM refuses it)")
        if gate_shift > 31:
            raise reject(op, f"the input scale {x.scale:g} is degenerate", "calibrate with real data")

    def _multipliers(self, graph: Graph, op: Op) -> tuple[tuple[int, int], tuple[int, int]]:
        """(int16 multiplier, shift) from 1/128 of an input step to output steps, and to 3 / 2**15."""
        fine = np.float32(1 / 128) * np.float32(graph.required(op, 0).scale)
        return _int16_multiplier(fine / np.float32(graph.output(op).scale)), _int16_multiplier(fine / _THREE)

    def table(self, graph: Graph, op: Op) -> Array:
        x, y = graph.required(op, 0), graph.output(op)
        (output_multiplier, output_shift), (gate_multiplier, gate_shift) = self._multipliers(graph, op)
        fine = (ALL_INT8 - x.zero_point) << 7
        gate = fine  # x / 3 in Q0.15, then (x + 3) / 6
        if gate_shift > 0:
            gate = _saturate(gate << (gate_shift - 1))
        gate = _multiply_high(gate, gate_multiplier)
        gate = _saturate(gate << 1) if gate_shift > 0 else _divide_by_pot(gate, -gate_shift)
        gate = (gate + (1 << 15)) >> 1
        product = gate * _multiply_high(fine, output_multiplier)
        towards_zero = np.where(product >= 0, product >> 15, -(-product >> 15))
        outputs: Array = np.clip(_divide_by_pot(towards_zero, -output_shift) + y.zero_point, -128, 127)
        return outputs.astype(np.int8)


def _int16_multiplier(real: np.float32) -> tuple[int, int]:
    """(multiplier, shift) with real ~ multiplier * 2**(shift - 15)."""
    multiplier, shift = quantize_multiplier(float(real))
    return min((multiplier + (1 << 15)) >> 16, 32767), shift


def _saturate(x: Array) -> Array:
    return np.clip(x, -(1 << 15), (1 << 15) - 1)


def _multiply_high(a: Array, b: int) -> Array:
    """SaturatingRoundingDoublingHighMul of int16 values, b >= 0: round(a * b / 2**15), halves upwards."""
    return (a * b + (1 << 14)) >> 15


def _divide_by_pot(x: Array, exponent: int) -> Array:
    """RoundingDivideByPOT of int16 values; its mask has 16 bits, so all of 0 <= x becomes 1 from exponent 16 on."""
    mask = np.int64(-1 if exponent >= 16 else (1 << exponent) - 1)
    threshold = (mask >> 1) + (x < 0)
    divided: Array = (x >> exponent) + ((x & mask) > threshold)
    return divided

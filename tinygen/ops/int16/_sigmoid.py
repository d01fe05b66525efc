"""What LOGISTIC and TANH share, int16: tanh(x) = 2 * logistic(2 * x) - 1, and one table serves both.

Equal reference/integer_ops/logistic.h and tanh.h; the arithmetic behind the scaling is that of the LSTM's gates,
ops/_sigmoid16.py.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from tinygen.ir import Array, DType, Graph, Op
from tinygen.ops._sigmoid16 import sigmoid_table
from tinygen.ops.base import (
    Constant,
    KernelCall,
    Operator,
    Shape,
    need_inputs,
    need_quantized,
    operand,
    reject,
    row_by_row,
)

_OUTPUT_BITS = 15
_MARGIN = 1e-3  # of the logarithm of a scale that counts as a power of two, as TFLM's CheckedLog2 has it


class Sigmoid(Operator):
    """Base of the two; not an operator itself."""

    dtype = DType.INT16
    largest_power: ClassVar[int]  # input scales 2**-12 to 2**(largest_power - 12) need no multiplier

    @staticmethod
    @abstractmethod
    def function(x: Array) -> Array:
        """The function of numbers in units of 1/12288, in units of 1/32768, int64."""

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 1, 1)
        x, y = graph.required(op, 0), graph.output(op)
        need_quantized(op, self.dtype, x, y)
        if abs(math.log2(y.scale) + _OUTPUT_BITS) >= _MARGIN:
            raise reject(op, "the output must have the scale 1/32768 (TFLM computes with it whatever the model says)")
        if x.scale * 4096 * 3 >= 32768:
            raise reject(op, f"the input scale {x.scale:g} is degenerate", "calibrate with real data")

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (graph.required(op, 0).shape,)

    def _scaling(self, graph: Graph, op: Op) -> tuple[int, int]:
        """(multiplier, right shift) from input steps to units of 1/12288."""
        scale = graph.required(op, 0).scale
        power = round(math.log2(scale)) + 12
        if abs(math.log2(scale) - (power - 12)) < _MARGIN and 0 <= power <= self.largest_power:
            return 3 << power, 0
        multiplier, shift = scale * 4096 * 3, 0
        while multiplier <= 32767 / 2 and shift <= 30:
            multiplier, shift = multiplier * 2, shift + 1
        return int(multiplier), shift

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        multiplier, shift = self._scaling(graph, op)
        scaled = (inputs[0].astype(np.int64) * multiplier + ((1 << shift) >> 1)) >> shift
        return (self.function(scaled).astype(np.int16),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        multiplier, shift = self._scaling(graph, op)
        output = operand(graph, op.outputs[0])
        return (
            KernelCall(
                kernel="sigmoid_s16",
                params=(
                    ("row_elements", output.row_bytes // 2),
                    ("multiplier", multiplier),
                    ("shift", shift),
                    ("is_tanh", int(self.kind == "TANH")),
                    ("table", Constant("table", sigmoid_table())),
                ),
                inputs=(operand(graph, op.inputs[0]),),
                output=output,
                rows=output.rows,
                reads=(row_by_row(output.rows),),
            ),
        )

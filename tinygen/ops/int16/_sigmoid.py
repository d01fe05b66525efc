"""What LOGISTIC and TANH share, int16: tanh(x) = 2 * logistic(2 * x) - 1, and one table serves both.

Equal reference/integer_ops/logistic.h and tanh.h. The table has logistic(i / 24) for i from 0 to 255; between
its entries lines are drawn.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from tinygen.ir import Array, DType, Graph, Op
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
# where an entry of TFLM's table is not the nearest number but the next one above
_ABOVE = (
    *(4, 8, 12, 14, 15, 16, 17, 19, 20, 21, 22, 25, 27, 28, 29, 30, 31, 33, 34, 35, 37, 39, 40, 41, 43, 44, 45, 46),
    *(49, 50, 54, 62, 63, 64, 66, 82, 86, 93, 100, 103, 112, 116, 135, 255),
)
# logistic(i / 24) - 1/2 in units of 2**-16
TABLE = np.array([round(65536 / (1 + math.exp(-i / 24))) - 32768 + (i in _ABOVE) for i in range(256)], np.int16)


class Sigmoid(Operator):
    """Base of the two; not an operator itself."""

    dtype = DType.INT16
    largest_power: ClassVar[int]  # input scales 2**-12 to 2**(largest_power - 12) need no multiplier
    fraction_bits: ClassVar[int]  # of a position in the table

    @abstractmethod
    def finish(self, magnitude: Array, negative: Array) -> Array:
        """The output from logistic(abs(x)) in units of 2**-16 / 2**fraction_bits, int64."""

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
        """(multiplier, right shift) from input steps to 1/512 (tanh: 1/256) of a step of the table."""
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
        size = np.abs(scaled)
        index = np.minimum(size >> self.fraction_bits, 254)
        low, high = (TABLE[index + i].astype(np.int64) + 32768 for i in (0, 1))
        magnitude = (low << self.fraction_bits) + (size & ((1 << self.fraction_bits) - 1)) * (high - low)
        magnitude = np.where(size >> self.fraction_bits >= 255, self.saturated, magnitude)
        return (self.finish(magnitude, scaled < 0).astype(np.int16),)

    @property
    @abstractmethod
    def saturated(self) -> int:
        """The magnitude beyond the table."""

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
                    ("table", Constant("table", TABLE)),
                ),
                inputs=(operand(graph, op.inputs[0]),),
                output=output,
                rows=output.rows,
                reads=(row_by_row(output.rows),),
            ),
        )

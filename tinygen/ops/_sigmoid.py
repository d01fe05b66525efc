"""What LOGISTIC and TANH share: both are computed in fixed point, with the output's quantization given."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from tinygen.fixedpoint import multiply_by_quantized_multiplier, rounding_divide_by_pot
from tinygen.ir import Array, Graph, Op
from tinygen.ops._functions import input_scaling
from tinygen.ops._table import ALL_INT8, TableOperator
from tinygen.ops.base import need_inputs, need_int8, reject

_INPUT_BITS = 4  # inputs beyond +-15 saturate


class Sigmoid(TableOperator):
    """Base of the two; not an operator itself."""

    output_bits: ClassVar[int]  # the output's scale is 2**-output_bits
    output_zero: ClassVar[int]

    @staticmethod
    @abstractmethod
    def function(a: int) -> int:
        """The function of a number in Q4.27, as raw Q0.31."""

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 1, 1)
        x, y = graph.required(op, 0), graph.output(op)
        need_int8(op, x, y)
        if (y.scale, y.zero_point) != (2.0**-self.output_bits, self.output_zero):
            fixed = f"scale 1/{1 << self.output_bits} and zero point {self.output_zero}"
            raise reject(op, f"the output must have {fixed} (TFLM computes with these whatever the model says)")
        if not 2.0**-28 <= x.scale < 2.0**35:
            raise reject(op, f"the input scale {x.scale:g} is degenerate", "calibrate with real data")

    def table(self, graph: Graph, op: Op) -> Array:
        x = graph.required(op, 0)
        return np.array(_outputs(self.function, self.output_bits, self.output_zero, x.scale, x.zero_point), np.int8)


@lru_cache(maxsize=64)
def _outputs(
    function: Callable[[int], int], output_bits: int, output_zero: int, scale: float, zero_point: int
) -> tuple[int, ...]:
    multiplier, shift, radius = input_scaling(scale, _INPUT_BITS)
    steps = ALL_INT8 - zero_point
    outputs = np.where(steps <= -radius, -128, 127)
    for index in np.flatnonzero(np.abs(steps) < radius):
        real = function(int(multiply_by_quantized_multiplier(steps[index], multiplier, shift)))
        outputs[index] = min(rounding_divide_by_pot(real, 31 - output_bits) + output_zero, 127)
    return tuple(int(v) for v in outputs)

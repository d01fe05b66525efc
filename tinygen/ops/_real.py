"""Unary functions for which TFLM has no int8 kernel: the real function, in float64, on what int8 stands for."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np

from tinygen.ir import Array, Graph, Op
from tinygen.ops._table import ALL_INT8, TableOperator
from tinygen.ops.base import need_inputs, need_int8


class RealFunction(TableOperator):
    """Base of these operators; not an operator itself.

    output = f(scale_in * (input - zero_in)) / scale_out + zero_out, the quotient rounded half away from zero,
    the sum saturated to int8.
    """

    @abstractmethod
    def function(self, x: Array, options: Any) -> Array:
        """f of float64 values, shape (256,); it may be infinite, but is a number everywhere."""

    def parse(self, options: Any) -> Any:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 1, 1)
        need_int8(op, graph.required(op, 0), graph.output(op))

    def table(self, graph: Graph, op: Op) -> Array:
        x, y = graph.required(op, 0), graph.output(op)
        with np.errstate(over="ignore", divide="ignore"):
            values = self.function(x.scale * (ALL_INT8 - x.zero_point), op.options)
            steps = round_half_away(values / y.scale)
        outputs: Array = np.clip(steps + y.zero_point, -128, 127)
        return outputs.astype(np.int8)


def round_half_away(x: Array) -> Array:
    """C's round() of float64 values: to the nearest integer, halves away from zero; infinities stay."""
    whole = np.trunc(x)
    with np.errstate(invalid="ignore"):  # infinity - infinity
        away = np.abs(x - whole) >= 0.5
    rounded: Array = whole + np.where(away, np.copysign(1.0, x), 0.0)
    return rounded

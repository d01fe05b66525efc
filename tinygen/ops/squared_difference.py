"""SQUARED_DIFFERENCE, int8, with broadcasting; equals TFLM's squared_difference.cc."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygen.fixedpoint import quantize_multiplier
from tinygen.ir import Array, Graph, Op
from tinygen.ops._binary import broadcast_call, rescaled
from tinygen.ops._broadcast import broadcast_shape
from tinygen.ops._requantize import need_multiplier, requantize, type_range
from tinygen.ops.base import KernelCall, Operator, Shape, need_inputs, need_quantized


class SquaredDifference(Operator):
    """Either input may be constant; broadcasting as numpy does, over at most 4 dimensions that cannot be joined."""

    kind = "SQUARED_DIFFERENCE"
    kernel = "squared_difference_s8"
    left_shift = 7

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 2, 2)
        a, b = graph.required(op, 0), graph.required(op, 1)
        need_quantized(op, self.dtype, a, b, graph.output(op))
        broadcast_shape(op, a.shape, b.shape)
        need_multiplier(op, self._reals(graph, op)[2])

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (broadcast_shape(op, graph.required(op, 0).shape, graph.required(op, 1).shape),)

    def _reals(self, graph: Graph, op: Op) -> tuple[float, float, float]:
        """The factors of both inputs, at most a half, and of the squares."""
        a, b, y = (t.scale for t in (graph.required(op, 0), graph.required(op, 1), graph.output(op)))
        twice = 2 * max(a, b)
        return a / twice, b / twice, twice * twice / ((1 << 2 * self.left_shift) * y)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        multipliers = tuple(quantize_multiplier(real) for real in self._reals(graph, op))
        a, b = rescaled(graph, op, inputs, multipliers, self.left_shift)
        multiplier, shift = (np.asarray(n) for n in multipliers[2])
        y = graph.output(op)
        squares = np.asarray((a - b) ** 2)
        return (requantize(squares, multiplier, shift, y.zero_point, type_range(y.dtype), y.dtype),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        (m1, s1), (m2, s2), (m, s) = (quantize_multiplier(real) for real in self._reals(graph, op))
        return (
            broadcast_call(
                graph,
                op,
                self.kernel,
                ("input1_zero_point", graph.required(op, 0).zero_point),
                ("input1_multiplier", m1),
                ("input1_shift", s1),
                ("input2_zero_point", graph.required(op, 1).zero_point),
                ("input2_multiplier", m2),
                ("input2_shift", s2),
                ("output_zero_point", graph.output(op).zero_point),
                ("output_multiplier", m),
                ("output_shift", s),
            ),
        )

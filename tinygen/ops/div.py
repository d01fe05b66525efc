"""DIV, int8, with broadcasting; equals TFLM's div.cc and reference/div.h where these are defined.

They are not in three cases: divided by zero, a number saturates by its sign and 0 / 0 is 0 (in real terms); a
quotient that TFLM would shift by more than 31 bits is far less than half a step, so 0; one that it would shift
by less than none saturates. TFLM before autumn 2026 took product and quotient of the scales in float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygen.fixedpoint import multiply_by_quantized_multiplier, quantize_multiplier, reciprocal_of_sum
from tinygen.ir import Array, Graph, Op
from tinygen.ops._binary import broadcast_call, offsets
from tinygen.ops._broadcast import broadcast_shape
from tinygen.ops._requantize import activation_name, activation_range, need_activation
from tinygen.ops.base import Constant, KernelCall, Operator, Shape, need_inputs, need_int8, reject

_OUTSIDE = 1 << 16  # saturates, whatever the zero point
_RECIPROCALS = np.array([reciprocal_of_sum(d, 31)[0] for d in range(1, 256)], np.int32)


@dataclass(frozen=True, slots=True)
class DivOptions:
    activation: str


class Div(Operator):
    """Either input may be constant; broadcasting as numpy does, over at most 4 dimensions that cannot be joined."""

    kind = "DIV"

    def parse(self, options: Any) -> DivOptions:
        return DivOptions(activation_name(options.fusedActivationFunction))

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 2, 2)
        a, b, y = graph.required(op, 0), graph.required(op, 1), graph.output(op)
        need_int8(op, a, b, y)
        need_activation(op, op.options.activation)
        broadcast_shape(op, a.shape, b.shape)
        product = b.scale * y.scale
        if not (2.0**-120 < product < 2.0**120 and 2.0**-120 < a.scale / product < 2.0**120):
            raise reject(op, "the input and output scales are too far apart", "calibrate with real data")

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (broadcast_shape(op, graph.required(op, 0).shape, graph.required(op, 1).shape),)

    def _multiplier(self, graph: Graph, op: Op) -> tuple[int, int]:
        """(multiplier, shift); product and quotient of the scales are taken in double."""
        a, b, y = (t.scale for t in (graph.required(op, 0), graph.required(op, 1), graph.output(op)))
        return quantize_multiplier(a / (b * y))

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        y = graph.output(op)
        n, d = np.broadcast_arrays(*offsets(graph, op, inputs))
        multiplier, shift = self._multiplier(graph, op)
        n, size = np.where(d < 0, -n, n), np.abs(d)
        headroom = 31 - _bits(np.where(n < 0, -n - 1, n))
        quotient = multiply_by_quantized_multiplier(n << headroom, _RECIPROCALS[np.maximum(size, 1) - 1], 0)
        right = _bits(size) - 1 + headroom - shift
        quotient = multiply_by_quantized_multiplier(quotient, multiplier, -np.clip(right, 0, 31))
        quotient = np.where(right > 31, 0, np.clip(quotient, -_OUTSIDE, _OUTSIDE))
        quotient = np.where(d == 0, np.sign(n) * _OUTSIDE, quotient)
        return (np.clip(quotient + y.zero_point, *activation_range(op.options.activation, y)).astype(np.int8),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        multiplier, shift = self._multiplier(graph, op)
        low, high = activation_range(op.options.activation, graph.output(op))
        divisor = graph.required(op, 1).zero_point
        largest = max(127 - divisor, 128 + divisor)
        return (
            broadcast_call(
                graph,
                op,
                "div_s8",
                ("input1_zero_point", graph.required(op, 0).zero_point),
                ("input2_zero_point", divisor),
                ("output_zero_point", graph.output(op).zero_point),
                ("multiplier", multiplier),
                ("shift", shift),
                ("activation_min", low),
                ("activation_max", high),
                ("reciprocals", Constant("reciprocals", _RECIPROCALS[:largest])),
            ),
        )


def _bits(x: Array) -> Array:
    """How many bits each number, 0 to 2**31 - 1, needs."""
    return np.frexp(x.astype(np.float64))[1].astype(np.int64)

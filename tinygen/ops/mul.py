"""MUL, int8, with broadcasting; equals TFLM's mul_common.cc and reference/integer_ops/mul.h."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygen.fixedpoint import quantize_multiplier
from tinygen.ir import Array, Graph, Op
from tinygen.ops._binary import broadcast_call, offsets
from tinygen.ops._broadcast import broadcast_shape
from tinygen.ops._requantize import activation_name, activation_range, need_activation, need_multiplier, requantize
from tinygen.ops.base import KernelCall, Operator, Shape, need_inputs, need_quantized


@dataclass(frozen=True, slots=True)
class MulOptions:
    activation: str


class Mul(Operator):
    """Either input may be constant; broadcasting as numpy does, over at most 4 dimensions that cannot be joined."""

    kind = "MUL"
    kernel = "mul_s8"

    def parse(self, options: Any) -> MulOptions:
        return MulOptions(activation_name(options.fusedActivationFunction))

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 2, 2)
        a, b = graph.required(op, 0), graph.required(op, 1)
        need_quantized(op, self.dtype, a, b, graph.output(op))
        need_activation(op, op.options.activation)
        broadcast_shape(op, a.shape, b.shape)
        need_multiplier(op, self._real_multiplier(graph, op))

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (broadcast_shape(op, graph.required(op, 0).shape, graph.required(op, 1).shape),)

    def _real_multiplier(self, graph: Graph, op: Op) -> float:
        return graph.required(op, 0).scale * graph.required(op, 1).scale / graph.output(op).scale

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        y = graph.output(op)
        a, b = offsets(graph, op, inputs)
        multiplier, shift = (np.asarray(n) for n in quantize_multiplier(self._real_multiplier(graph, op)))
        limits = activation_range(op.options.activation, y)
        return (requantize(np.asarray(a * b), multiplier, shift, y.zero_point, limits, y.dtype),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        multiplier, shift = quantize_multiplier(self._real_multiplier(graph, op))
        low, high = activation_range(op.options.activation, graph.output(op))
        return (
            broadcast_call(
                graph,
                op,
                self.kernel,
                ("input1_zero_point", graph.required(op, 0).zero_point),
                ("input2_zero_point", graph.required(op, 1).zero_point),
                ("output_zero_point", graph.output(op).zero_point),
                ("multiplier", multiplier),
                ("shift", shift),
                ("activation_min", low),
                ("activation_max", high),
            ),
        )

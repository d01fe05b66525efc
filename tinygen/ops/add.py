"""ADD, int8, with broadcasting; equals TFLM's add_common.cc and reference/add.h."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygen.fixedpoint import multiply_by_quantized_multiplier, quantize_multiplier
from tinygen.ir import Array, Graph, Op
from tinygen.ops._broadcast import broadcast_operands, broadcast_shape
from tinygen.ops._requantize import activation_name, activation_range, need_activation
from tinygen.ops.base import KernelCall, Operator, Shape, need_inputs, need_int8, reject

_LEFT_SHIFT = 20


@dataclass(frozen=True, slots=True)
class AddOptions:
    activation: str


class Add(Operator):
    kind = "ADD"

    def parse(self, options: Any) -> AddOptions:
        return AddOptions(activation_name(options.fusedActivationFunction))

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 2, 2)
        a, b, y = graph.required(op, 0), graph.required(op, 1), graph.output(op)
        need_int8(op, a, b, y)
        need_activation(op, op.options.activation)
        broadcast_shape(op, a.shape, b.shape)
        if 2 * max(a.scale, b.scale) >= (1 << _LEFT_SHIFT) * y.scale:
            raise reject(op, "the output scale is too small against the input scales (TFLM aborts on it)")

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (broadcast_shape(op, graph.required(op, 0).shape, graph.required(op, 1).shape),)

    def _multipliers(self, graph: Graph, op: Op) -> tuple[tuple[int, int], ...]:
        """(multiplier, shift) of both inputs and of the output; all shifts are <= 0."""
        a, b, y = graph.required(op, 0), graph.required(op, 1), graph.output(op)
        twice = 2 * max(a.scale, b.scale)
        reals = (a.scale / twice, b.scale / twice, twice / ((1 << _LEFT_SHIFT) * y.scale))
        return tuple(quantize_multiplier(real) for real in reals)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        y = graph.output(op)
        *scales, (multiplier, shift) = self._multipliers(graph, op)
        total: Array = np.zeros(1, np.int64)
        for index, (m, s) in enumerate(scales):
            offset = inputs[index].astype(np.int64) - graph.required(op, index).zero_point
            total = total + multiply_by_quantized_multiplier(offset << _LEFT_SHIFT, m, s)
        scaled = multiply_by_quantized_multiplier(total, multiplier, shift) + y.zero_point
        return (np.clip(scaled, *activation_range(op.options.activation, y)).astype(np.int8),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        a, b, y = graph.required(op, 0), graph.required(op, 1), graph.output(op)
        geometry, inputs, output = broadcast_operands(graph, op)
        (m1, s1), (m2, s2), (m, s) = self._multipliers(graph, op)
        low, high = activation_range(op.options.activation, y)
        return (
            KernelCall(
                kernel="add_s8",
                params=(
                    *geometry,
                    ("input1_zero_point", a.zero_point),
                    ("input1_multiplier", m1),
                    ("input1_shift", s1),
                    ("input2_zero_point", b.zero_point),
                    ("input2_multiplier", m2),
                    ("input2_shift", s2),
                    ("output_zero_point", y.zero_point),
                    ("output_multiplier", m),
                    ("output_shift", s),
                    ("activation_min", low),
                    ("activation_max", high),
                ),
                inputs=inputs,
                output=output,
                rows=output.rows,
            ),
        )

"""ADD, int8, with broadcasting; equals TFLM's add_common.cc and reference/add.h."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tinygen.fixedpoint import quantize_multiplier
from tinygen.ir import Array, Graph, Op
from tinygen.ops._binary import LEFT_SHIFT, add_call, add_reference
from tinygen.ops._broadcast import broadcast_shape
from tinygen.ops._requantize import activation_name, need_activation
from tinygen.ops.base import KernelCall, Operator, Shape, need_inputs, need_quantized, reject


@dataclass(frozen=True, slots=True)
class AddOptions:
    activation: str


class Add(Operator):
    """Either input may be constant; broadcasting as numpy does, over at most 4 dimensions that cannot be joined."""

    kind = "ADD"
    kernel = "add_s8"
    left_shift = LEFT_SHIFT
    sign = 1  # of the second input

    def parse(self, options: Any) -> AddOptions:
        return AddOptions(activation_name(options.fusedActivationFunction))

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 2, 2)
        a, b, y = graph.required(op, 0), graph.required(op, 1), graph.output(op)
        need_quantized(op, self.dtype, a, b, y)
        need_activation(op, op.options.activation)
        broadcast_shape(op, a.shape, b.shape)
        self.need_scales(graph, op)

    def need_scales(self, graph: Graph, op: Op) -> None:
        """Raise unless every factor is below 1."""
        a, b, y = graph.required(op, 0), graph.required(op, 1), graph.output(op)
        if 2 * max(a.scale, b.scale) >= (1 << self.left_shift) * y.scale:
            raise reject(op, "the output scale is too small against the input scales (TFLM aborts on it)")

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (broadcast_shape(op, graph.required(op, 0).shape, graph.required(op, 1).shape),)

    def reals(self, graph: Graph, op: Op) -> tuple[float, ...]:
        """The factors of both inputs and of the output."""
        a, b, y = (t.scale for t in (graph.required(op, 0), graph.required(op, 1), graph.output(op)))
        twice = 2 * max(a, b)
        return a / twice, b / twice, twice / ((1 << self.left_shift) * y)

    def _multipliers(self, graph: Graph, op: Op) -> tuple[tuple[int, int], ...]:
        """(multiplier, shift) of both inputs and of the output; all shifts are <= 0."""
        return tuple(quantize_multiplier(real) for real in self.reals(graph, op))

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        return (add_reference(graph, op, inputs, self._multipliers(graph, op), self.sign, self.left_shift),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        return (add_call(graph, op, self.kernel, self._multipliers(graph, op), self.sign),)

"""MAXIMUM and MINIMUM, int8 and int16, with broadcasting.

Equal TFLM's maximum_minimum.cc, which compares the stored values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from tinygen.ir import Array, Graph, Op
from tinygen.ops._binary import broadcast_call, need_same_quantization
from tinygen.ops._broadcast import broadcast_shape
from tinygen.ops.base import KernelCall, Operator, Shape, need_inputs, need_quantized


class Extremum(Operator):
    """Base of both; not an operator itself."""

    largest: ClassVar[bool]
    kernel: ClassVar[str] = "extremum_s8"

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 2, 2)
        a, b, y = graph.required(op, 0), graph.required(op, 1), graph.output(op)
        need_quantized(op, self.dtype, a, b, y)
        need_same_quantization(op, a, b, y)
        broadcast_shape(op, a.shape, b.shape)

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (broadcast_shape(op, graph.required(op, 0).shape, graph.required(op, 1).shape),)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        function = np.maximum if self.largest else np.minimum
        return (np.asarray(function(inputs[0], inputs[1])),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        return (broadcast_call(graph, op, self.kernel, ("largest", int(self.largest))),)

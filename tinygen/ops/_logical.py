"""LOGICAL_AND and LOGICAL_OR, bool, with broadcasting; equal TFLM's logical_common.cc."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from tinygen.ir import Array, DType, Graph, Op, Tensor
from tinygen.ops._binary import broadcast_call
from tinygen.ops._broadcast import broadcast_shape
from tinygen.ops.base import KernelCall, Operator, Shape, need_inputs, reject


def need_bool(op: Op, *tensors: Tensor) -> None:
    """Raise unless every tensor is bool."""
    for tensor in tensors:
        if tensor.dtype is not DType.BOOL:
            raise reject(op, f"tensor '{tensor.name}' is {tensor.dtype.value}, bool expected")


class Logical(Operator):
    """Base of both; not an operator itself."""

    truth: ClassVar[int]  # bit 2 * a + b is the answer (logical_b8.h)

    @abstractmethod
    def combine(self, a: Array, b: Array) -> Array:
        """The function of two bool arrays."""

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 2, 2)
        a, b = graph.required(op, 0), graph.required(op, 1)
        need_bool(op, a, b, graph.output(op))
        broadcast_shape(op, a.shape, b.shape)

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (broadcast_shape(op, graph.required(op, 0).shape, graph.required(op, 1).shape),)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        return (self.combine(inputs[0], inputs[1]),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        return (broadcast_call(graph, op, "logical_b8", ("truth", self.truth)),)

"""EQUAL, LESS and the other comparisons of float32, with broadcasting; output bool. NaN is not equal to anything."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from tinygen.ir import Array, DType, Graph, Op
from tinygen.ops._binary import broadcast_call
from tinygen.ops._broadcast import broadcast_shape
from tinygen.ops._logical import need_bool
from tinygen.ops.base import KernelCall, Operator, Shape, need_inputs
from tinygen.ops.float32._float import need_float


class FloatComparison(Operator):
    """Base of all; not an operator itself."""

    dtype = DType.FLOAT32
    answers: ClassVar[tuple[int, int, int, int]]  # for a < b, a == b, a > b, and a NaN among them

    @abstractmethod
    def compare(self, a: Array, b: Array) -> Array:
        """The comparison as bool."""

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 2, 2)
        need_float(op, graph.required(op, 0), graph.required(op, 1))
        need_bool(op, graph.output(op))
        self.output_shapes(graph, op)

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (broadcast_shape(op, graph.required(op, 0).shape, graph.required(op, 1).shape),)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        return (self.compare(inputs[0], inputs[1]),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        fields = zip(("less", "equal", "greater", "unordered"), self.answers, strict=True)
        return (broadcast_call(graph, op, "compare_f32", *fields),)

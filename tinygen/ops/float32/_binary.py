"""Functions of two floats with broadcasting: a number of the kernel binary_f32, and numpy's function."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygen.ir import Array, DType, Graph, Op
from tinygen.ops._binary import broadcast_call
from tinygen.ops._broadcast import broadcast_shape
from tinygen.ops.base import KernelCall, Operator, Shape, need_inputs
from tinygen.ops.float32._float import clamped, float_limits, need_float

# in the order of binary_f32.h
_FUNCTIONS = ("ADD", "DIV", "MAXIMUM", "MINIMUM", "MUL", "PRELU", "SQUARED_DIFFERENCE", "SUB")
_UNLIMITED = (-float("inf"), float("inf"))


class FloatBinary(Operator):
    """Base of these operators; not an operator itself."""

    dtype = DType.FLOAT32

    @abstractmethod
    def apply(self, a: Array, b: Array) -> Array:
        """The function of float32 values, before the activation."""

    def _limits(self, op: Op) -> tuple[float, float]:
        """Of the fused activation; operators that have none do not clamp."""
        return _UNLIMITED if op.options is None else float_limits(op, op.options.activation)

    def parse(self, options: Any) -> Any:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 2, 2)
        need_float(op, graph.required(op, 0), graph.required(op, 1), graph.output(op))
        self._limits(op)
        self.output_shapes(graph, op)

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (broadcast_shape(op, graph.required(op, 0).shape, graph.required(op, 1).shape),)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        with np.errstate(all="ignore"):
            return (np.asarray(clamped(self.apply(inputs[0], inputs[1]), self._limits(op)), np.float32),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        low, high = self._limits(op)
        function = ("function", _FUNCTIONS.index(self.kind))
        return (broadcast_call(graph, op, "binary_f32", function, ("low", low), ("high", high)),)

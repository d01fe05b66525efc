"""SUM, MEAN, REDUCE_PROD, REDUCE_MAX and REDUCE_MIN of float32 over any axes, in the order of memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from tinygen import floatmath
from tinygen.ir import Array, DType, Graph, Op
from tinygen.ops._reduce import (
    RANK,
    ReduceOptions,
    constant_axes,
    parse_reduce,
    reduce_call,
    reduced_axes,
    reduced_count,
    reduced_shape,
)
from tinygen.ops.base import KernelCall, Operator, Shape, need_inputs, reject
from tinygen.ops.float32._float import need_float

_FUNCTIONS = ("SUM", "MAX", "MIN", "PROD")  # in the order of reduce_f32.h


class FloatReduce(Operator):
    """Base of all; not an operator itself."""

    dtype = DType.FLOAT32
    function: ClassVar[str]

    def divisor(self, graph: Graph, op: Op) -> float:
        """Of the result."""
        return 1.0

    def parse(self, options: Any) -> ReduceOptions:
        return parse_reduce(options)

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 2, 2)
        x = graph.required(op, 0)
        need_float(op, x, graph.output(op))
        if not 1 <= len(x.shape) <= RANK:
            raise reject(op, f"an input of {len(x.shape)} dimensions, 1 to {RANK} expected")
        constant_axes(graph, op, len(x.shape))

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (reduced_shape(graph, op),)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        axes = reduced_axes(graph, op)
        kept = [i for i in range(inputs[0].ndim) if i not in axes]
        terms = inputs[0].transpose(*axes, *kept).reshape(reduced_count(graph, op), -1)
        with np.errstate(all="ignore"):
            if self.function == "SUM":
                value = floatmath.sequential_sum(terms)
            elif self.function == "PROD":
                value = np.ones(terms.shape[1:], np.float32)
                for term in terms:
                    value = value * term
            elif self.function == "MAX":
                value = floatmath.sequential_max(terms)
            else:
                value = -floatmath.sequential_max(-terms)
            return ((value / np.float32(self.divisor(graph, op))).reshape(graph.output(op).shape),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        params = (("function", _FUNCTIONS.index(self.function)), ("divisor", self.divisor(graph, op)))
        return (reduce_call(graph, op, "reduce_f32", params),)

"""REDUCE_MAX over any axes, int8; equals TFLM's EvalMaxHelper (reduce_common.cc)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygen.ir import Array, Graph, Op
from tinygen.ops._reduce import (
    ReduceOptions,
    check_reduce,
    parse_reduce,
    reduce_call,
    reduced_axes,
    reduced_shape,
)
from tinygen.ops.base import KernelCall, Operator, Shape, reject


class ReduceMax(Operator):
    kind = "REDUCE_MAX"
    kernel = "reduce_max_s8"
    sign = 1  # the kernel looks for the largest of sign * x

    def parse(self, options: Any) -> ReduceOptions:
        return parse_reduce(options)

    def check(self, graph: Graph, op: Op) -> None:
        check_reduce(graph, op, self.dtype)
        x, y = graph.required(op, 0), graph.output(op)
        if (x.scale, x.zero_point) != (y.scale, y.zero_point):
            raise reject(op, "input and output must have the same scale and zero point")

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (reduced_shape(graph, op),)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        axes = reduced_axes(graph, op)
        extreme: Array = inputs[0].max(axis=axes) if self.sign > 0 else inputs[0].min(axis=axes)
        return (extreme.reshape(graph.output(op).shape),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        return (reduce_call(graph, op, self.kernel, (("sign", self.sign),)),)

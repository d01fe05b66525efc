"""SUM over any axes, int8; equals QuantizedMeanOrSum in reference/reduce.h."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygen.fixedpoint import quantize_multiplier
from tinygen.ir import Array, Graph, Op
from tinygen.ops._reduce import (
    ReduceOptions,
    check_reduce,
    parse_reduce,
    reduce_call,
    reduced_axes,
    reduced_count,
    reduced_shape,
)
from tinygen.ops._requantize import need_multiplier, requantize, type_range
from tinygen.ops.base import KernelCall, Operator, Shape


class Sum(Operator):
    """The axes are constant; 1 to 5 dimensions, with or without keep_dims."""

    kind = "SUM"
    kernel = "reduce_sum_s8"

    def parse(self, options: Any) -> ReduceOptions:
        return parse_reduce(options)

    def check(self, graph: Graph, op: Op) -> None:
        check_reduce(graph, op, self.dtype)
        need_multiplier(op, graph.required(op, 0).scale / graph.output(op).scale)

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (reduced_shape(graph, op),)

    def multiplier(self, graph: Graph, op: Op) -> tuple[int, int]:
        """(multiplier, shift) from the sum of input steps to output steps."""
        return quantize_multiplier(graph.required(op, 0).scale / graph.output(op).scale)

    def params(self, graph: Graph, op: Op) -> tuple[tuple[str, int], ...]:
        """The output stage, as the kernels of SUM and MEAN have it in their params."""
        multiplier, shift = self.multiplier(graph, op)
        return (
            ("input_zero_sum", graph.required(op, 0).zero_point * reduced_count(graph, op)),
            ("output_zero_point", graph.output(op).zero_point),
            ("multiplier", multiplier),
            ("shift", shift),
        )

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        x, y = graph.required(op, 0), graph.output(op)
        total = inputs[0].astype(np.int64).sum(axis=reduced_axes(graph, op)) - x.zero_point * reduced_count(graph, op)
        multiplier, shift = (np.array(v) for v in self.multiplier(graph, op))
        return (requantize(total, multiplier, shift, y.zero_point, type_range(y.dtype), y.dtype).reshape(y.shape),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        return (reduce_call(graph, op, self.kernel, self.params(graph, op)),)

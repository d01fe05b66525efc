"""REDUCE_ANY over any axes, bool: the largest byte. Masking layers of Keras become it; TFLM does not have it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinygen.ir import Array, Graph, Op
from tinygen.ops._logical import need_bool
from tinygen.ops._reduce import RANK, constant_axes, reduced_axes
from tinygen.ops.base import need_inputs, reject
from tinygen.ops.reduce_max import ReduceMax


class ReduceAny(ReduceMax):
    kind = "REDUCE_ANY"

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 2, 2)
        x = graph.required(op, 0)
        need_bool(op, x, graph.output(op))
        if not 1 <= len(x.shape) <= RANK:
            raise reject(op, f"an input of {len(x.shape)} dimensions, 1 to {RANK} expected")
        constant_axes(graph, op, len(x.shape))

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        axes = reduced_axes(graph, op)
        answer = np.any(inputs[0], axis=axes) if self.sign > 0 else np.all(inputs[0], axis=axes)
        return (np.asarray(answer).reshape(graph.output(op).shape),)

"""AVERAGE_POOL_2D, int8; equals AveragePool in integer_ops/pooling.h."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinygen.ir import Array, Graph, Op
from tinygen.ops import _window
from tinygen.ops._pool import Pool2D
from tinygen.ops._requantize import activation_range


class AveragePool2D(Pool2D):
    kind = "AVERAGE_POOL_2D"
    kernel = "average_pool_2d_s8"

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        rows, columns = self.axes(graph, op)
        total = _window.patches(inputs[0].astype(np.int64), rows, columns, fill=0).sum(axis=(3, 4))
        ones = np.ones((1, rows.input, columns.input, 1), np.int64)
        count = _window.patches(ones, rows, columns, fill=0).sum(axis=(3, 4))
        # half is added towards the sum's own sign, then C's division truncates
        magnitude = (np.abs(total) + count // 2) // count
        limits = activation_range(op.options.activation, graph.output(op))
        return (np.clip(np.where(total > 0, magnitude, -magnitude), *limits).astype(np.int8),)

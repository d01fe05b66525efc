"""AVERAGE_POOL_2D, int8; equals AveragePool in integer_ops/pooling.h."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinygen.ir import Array, DType, Graph, Op
from tinygen.ops import _window
from tinygen.ops._pool import Pool2D
from tinygen.ops._requantize import activation_range
from tinygen.ops.base import KernelCall, operand, row_by_row


class AveragePool2D(Pool2D):
    """NHWC; input and output quantized alike."""

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
        return (np.clip(np.where(total > 0, magnitude, -magnitude), *limits).astype(self.dtype.value),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        rows, columns = self.axes(graph, op)
        if self.dtype is not DType.INT8 or any(
            a.output > 1 or a.kernel - a.pad_before < a.input for a in (rows, columns)
        ):
            return super().lower(graph, op)
        channels = graph.output(op).shape[3]
        low, high = activation_range(op.options.activation, graph.output(op))
        return (
            KernelCall(
                kernel="average_pool_hw_s8",  # takes the input row by row
                params=(
                    ("input_height", rows.input),
                    ("input_width", columns.input),
                    ("channels", channels),
                    ("activation_min", low),
                    ("activation_max", high),
                ),
                inputs=(operand(graph, op.inputs[0]),),
                output=operand(graph, op.outputs[0]),
                rows=rows.input,
                carry_bytes=4 * channels,
                reads=(row_by_row(rows.input),),
            ),
        )

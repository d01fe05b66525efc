"""PAD, int8, up to 4 dimensions; equals TFLM's pad_common.cc and reference/pad.h."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygen.ir import Array, DType, Graph, Op
from tinygen.ops.base import (
    KernelCall,
    Operand,
    Operator,
    Shape,
    need_constant,
    need_inputs,
    need_int8,
    reject,
)


class Pad(Operator):
    kind = "PAD"

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 2, 2)
        x, paddings = graph.required(op, 0), graph.required(op, 1)
        need_int8(op, x, graph.output(op))
        data = need_constant(op, paddings, "the paddings")
        if paddings.dtype is not DType.INT32 or data.size != 2 * len(x.shape) or not 1 <= len(x.shape) <= 4:
            raise reject(op, f"paddings {paddings.shape} do not fit an input {x.shape} of up to 4 dimensions")
        if data.min() < 0:
            raise reject(op, "negative paddings")
        if self._paddings(graph, op)[0] != (0, 0):
            raise reject(op, "padding of the batch is not supported")

    def _paddings(self, graph: Graph, op: Op) -> tuple[tuple[int, int], ...]:
        """(before, behind) of the axes N, H, W, C."""
        data = graph.required(op, 1).data
        assert data is not None
        pairs = tuple((int(a), int(b)) for a, b in data.reshape(-1, 2))
        return ((0, 0),) * (4 - len(pairs)) + pairs

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        x = graph.required(op, 0)
        pairs = self._paddings(graph, op)[4 - len(x.shape) :]
        return (tuple(size + a + b for size, (a, b) in zip(x.shape, pairs, strict=True)),)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        pairs = self._paddings(graph, op)[4 - inputs[0].ndim :]
        return (np.pad(inputs[0], pairs, constant_values=graph.output(op).zero_point),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        x, y = graph.required(op, 0), graph.output(op)
        _, (top, _), (left, right), (front, back) = self._paddings(graph, op)
        n, h, w, c = (1,) * (4 - len(x.shape)) + x.shape
        row = (w + left + right) * (c + front + back)
        output = Operand(op.outputs[0], n, y.elements // n // row, row)
        return (
            KernelCall(
                kernel="pad_s8",
                params=(
                    ("input_height", h),
                    ("input_width", w),
                    ("input_channels", c),
                    ("pad_top", top),
                    ("pad_left", left),
                    ("pad_right", right),
                    ("pad_front", front),
                    ("pad_back", back),
                    ("pad_value", y.zero_point),
                ),
                inputs=(Operand(op.inputs[0], n, h, w * c),),
                output=output,
                rows=output.rows,
            ),
        )

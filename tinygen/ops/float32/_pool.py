"""What the float AVERAGE_POOL_2D and MAX_POOL_2D share; geometry as in the int8 form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from tinygen import floatmath
from tinygen.ir import Array, DType, Graph, Op
from tinygen.ops import _window
from tinygen.ops._pool import Pool2D
from tinygen.ops.base import KernelCall, need_inputs, operand, reject
from tinygen.ops.float32._float import clamped, float_limits, need_float


class FloatPool2D(Pool2D):
    """Base of both; not an operator itself."""

    dtype = DType.FLOAT32
    kernel = "pool_2d_f32"
    average: ClassVar[bool]

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 1, 1)
        x = graph.required(op, 0)
        need_float(op, x, graph.output(op))
        if len(x.shape) != 4:
            raise reject(op, f"input {x.shape} must have 4 dimensions")
        if op.options.padding == "?" or min(*op.options.stride, *op.options.window) < 1:
            raise reject(op, "padding, stride or window is invalid")
        float_limits(op, op.options.activation)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        axes, y = self.axes(graph, op), graph.output(op)
        # a maximum starts at the lowest float, as in the kernel
        fill = np.float32(0 if self.average else -floatmath.LARGEST)
        windows = _window.patches(inputs[0], *axes, fill=fill).reshape(*y.shape[:3], -1, y.shape[3])
        taps = np.moveaxis(windows, 3, 0)
        with np.errstate(all="ignore"):
            if self.average:
                ones = np.ones((1, *inputs[0].shape[1:3], 1), np.float32)
                inside = _window.patches(ones, *axes, fill=0).sum(axis=(3, 4))
                value = floatmath.sequential_sum(taps) / inside
            else:
                lowest = np.full((1, *y.shape), fill, np.float32)
                value = floatmath.sequential_max(np.concatenate((lowest, taps)))
        return (clamped(value, float_limits(op, op.options.activation)),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        y = graph.output(op)
        low, high = float_limits(op, op.options.activation)
        return (
            KernelCall(
                kernel=self.kernel,
                params=(
                    *self.geometry(graph, op),
                    ("activation_min", low),
                    ("activation_max", high),
                    ("average", int(self.average)),
                ),
                inputs=(operand(graph, op.inputs[0]),),
                output=operand(graph, op.outputs[0]),
                rows=y.shape[1],
                reads=(self.axes(graph, op)[0].reads(),),
            ),
        )

"""TRANSPOSE_CONV, float32; constant weights may be int8 with scales, which are then stored as float32."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinygen.ir import Array, DType, Graph, Op
from tinygen.ops.base import Constant, KernelCall, need_inputs, operand
from tinygen.ops.float32._float import (
    clamped,
    float_bias,
    float_limits,
    float_weights,
    need_float,
    need_float_bias,
    need_float_weights,
)
from tinygen.ops.transpose_conv import BIAS, INPUT, WEIGHTS
from tinygen.ops.transpose_conv import TransposeConv as Int8TransposeConv


class TransposeConv(Int8TransposeConv):
    kind = "TRANSPOSE_CONV"
    dtype = DType.FLOAT32

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 3, 4)
        need_float(op, graph.required(op, INPUT), graph.output(op))
        self.need_shapes(graph, op)
        need_float_weights(graph, op, WEIGHTS)
        need_float_bias(graph, op, BIAS, graph.required(op, WEIGHTS).shape[0])
        float_limits(op, op.options.activation)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        x, weights = inputs[INPUT], float_weights(graph, op, WEIGHTS)

        def add(reached: Array, ky: int, kx: int) -> None:
            for channel in range(x.shape[3]):
                reached += x[..., channel, None] * weights[:, ky, kx, channel]

        with np.errstate(all="ignore"):
            sums = self.spread(graph, op, np.float32, add) + float_bias(graph, op, BIAS, weights.shape[0])
        return (clamped(sums, float_limits(op, op.options.activation)),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        y = graph.output(op)
        low, high = float_limits(op, op.options.activation)
        return (
            KernelCall(
                kernel="transpose_conv_f32",
                params=(
                    *self.geometry(graph, op),
                    ("activation_min", low),
                    ("activation_max", high),
                    ("weights", Constant("weights", float_weights(graph, op, WEIGHTS))),
                    ("bias", Constant("bias", float_bias(graph, op, BIAS, y.shape[3]))),
                ),
                inputs=(operand(graph, op.inputs[INPUT]),),
                output=operand(graph, op.outputs[0]),
                rows=y.shape[1],
                reads=(self.reads(graph, op),),
            ),
        )

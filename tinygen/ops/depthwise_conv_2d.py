"""DEPTHWISE_CONV_2D, int8, any depth multiplier; equals DepthwiseConvPerChannel (integer_ops/depthwise_conv.h)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygen.ir import Array, Graph, Op
from tinygen.ops import _window
from tinygen.ops._parameters import Places, bias_of, output_stage, parameters
from tinygen.ops.base import KernelCall, Operator, Shape, operand, reject
from tinygen.ops.conv_2d import (
    ConvOptions,
    check_conv,
    conv_axes,
    conv_output_shape,
    conv_params,
    parse_conv_options,
)


class DepthwiseConv2D(Operator):
    """Weights and bias are constant: weights int8 or int4 with zero point 0, bias int32 or absent. Images are NHWC;
    Conv1D arrives with a height of 1. Any padding, stride and dilation. Refused: weights whose sum could leave 32 bits.
    """

    kind = "DEPTHWISE_CONV_2D"
    kernel = "depthwise_conv_2d_s8"
    places = Places(axis=3, narrow=False)

    def parse(self, options: Any) -> ConvOptions:
        return parse_conv_options(options)

    def check(self, graph: Graph, op: Op) -> None:
        check_conv(graph, op, self.places, self.dtype)
        x, weights = graph.required(op, 0), graph.required(op, 1)
        if weights.shape[0] != 1 or x.shape[3] == 0 or weights.shape[3] % x.shape[3]:
            raise reject(op, f"input {x.shape} does not fit weights {weights.shape}")

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (conv_output_shape(graph, op, graph.required(op, 1).shape[3]),)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        x = graph.required(op, 0)
        weights = inputs[1][0].astype(np.int64)
        channels = weights.shape[2]
        offset = inputs[0].astype(np.int64) - x.zero_point
        columns = _window.patches(offset, *conv_axes(graph, op), fill=0)
        repeated = np.repeat(columns, channels // x.shape[3], axis=5)
        accumulators = np.einsum("nyxhwc,hwc->nyxc", repeated, weights)
        return (output_stage(graph, op, accumulators, self.places),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        y = graph.output(op)
        bias = bias_of(graph, op, self.places)
        return (
            KernelCall(
                kernel=self.kernel,
                params=(*conv_params(graph, op), *parameters(graph, op, bias, self.places)),
                inputs=(operand(graph, op.inputs[0]),),
                output=operand(graph, op.outputs[0]),
                rows=y.shape[1],
                reads=(conv_axes(graph, op)[0].reads(),),
            ),
        )

    def macs(self, graph: Graph, op: Op) -> int:
        weights = graph.required(op, 1)
        return graph.output(op).elements * weights.shape[1] * weights.shape[2]

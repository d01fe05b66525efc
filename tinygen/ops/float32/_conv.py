"""What the float CONV_2D and DEPTHWISE_CONV_2D share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from tinygen.ir import Array, DType, Graph, Op
from tinygen.ops import _window
from tinygen.ops.base import Constant, KernelCall, Operator, Shape, need_inputs, operand, reject
from tinygen.ops.conv_2d import ConvOptions, conv_axes, conv_geometry, conv_output_shape, parse_conv_options
from tinygen.ops.float32._float import (
    clamped,
    float_bias,
    float_limits,
    float_weights,
    need_float,
    need_float_bias,
    need_float_weights,
)


class FloatConv(Operator):
    """Base of both; not an operator itself."""

    dtype = DType.FLOAT32
    kernel: ClassVar[str]
    channel_axis: ClassVar[int]  # of the weights, that is the output's channels

    @abstractmethod
    def sums(self, graph: Graph, op: Op, patches: Array) -> Array:
        """(N, OH, OW, channels) from windows (N, OH, OW, KH, KW, C), products added in the order of the kernel."""

    def extra_params(self, graph: Graph, op: Op) -> tuple[tuple[str, int], ...]:
        """Between the activation and the weights."""
        return ()

    def parse(self, options: Any) -> ConvOptions:
        return parse_conv_options(options)

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 2, 3)
        x, weights = graph.required(op, 0), graph.required(op, 1)
        need_float(op, x, graph.output(op))
        if len(x.shape) != 4 or len(weights.shape) != 4 or weights.elements == 0:
            raise reject(op, f"input {x.shape} and weights {weights.shape} must have 4 dimensions")
        if op.options.padding == "?" or min(*op.options.stride, *op.options.dilation) < 1:
            raise reject(op, "padding, stride or dilation is invalid")
        need_float_weights(graph, op, 1)
        need_float_bias(graph, op, 2, weights.shape[self.channel_axis])
        float_limits(op, op.options.activation)

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (conv_output_shape(graph, op, graph.required(op, 1).shape[self.channel_axis]),)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        # what lies outside of the input counts as +0, which changes no sum: weights are finite
        windows = _window.patches(inputs[0], *conv_axes(graph, op), fill=0)
        with np.errstate(all="ignore"):
            biased = self.sums(graph, op, windows) + float_bias(graph, op, 2, graph.output(op).shape[3])
        return (clamped(biased, float_limits(op, op.options.activation)),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        y = graph.output(op)
        low, high = float_limits(op, op.options.activation)
        return (
            KernelCall(
                kernel=self.kernel,
                params=(
                    *conv_geometry(graph, op),
                    ("activation_min", low),
                    ("activation_max", high),
                    *self.extra_params(graph, op),
                    ("weights", Constant("weights", float_weights(graph, op, 1))),
                    ("bias", Constant("bias", float_bias(graph, op, 2, y.shape[3]))),
                ),
                inputs=(operand(graph, op.inputs[0]),),
                output=operand(graph, op.outputs[0]),
                rows=y.shape[1],
                reads=(conv_axes(graph, op)[0].reads(),),
            ),
        )

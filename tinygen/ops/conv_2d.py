"""CONV_2D, int8 (or int16 with int8 weights), per-channel or per-tensor weights, groups.

Equals ConvPerChannel (integer_ops/conv.h).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tinygen.ir import Array, DType, Graph, Op
from tinygen.ops import _window
from tinygen.ops._parameters import Places, bias_of, need_parameters, output_stage, parameters, wants_int32_sums
from tinygen.ops._requantize import activation_name, activation_range, exact_matmul, need_activation
from tinygen.ops.base import Constant, KernelCall, Operator, Shape, need_inputs, need_quantized, operand, reject


@dataclass(frozen=True, slots=True)
class ConvOptions:
    """Options of CONV_2D and DEPTHWISE_CONV_2D; strides and dilations as (rows, columns).

    `padding` is SAME, VALID, or EXPLICIT: then `pad` has (before, behind) of rows and of columns, which
    passes/fold_pad.py has taken from a PAD. `int32_sums`: of int16 activations without a bias.
    """

    padding: str
    stride: tuple[int, int]
    dilation: tuple[int, int]
    activation: str
    pad: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))
    int32_sums: bool = False


def parse_conv_options(options: Any) -> ConvOptions:
    return ConvOptions(
        _window.PADDING.get(options.padding, "?"),
        (options.strideH, options.strideW),
        (options.dilationHFactor, options.dilationWFactor),
        activation_name(options.fusedActivationFunction),
        int32_sums=wants_int32_sums(options),
    )


def check_conv(graph: Graph, op: Op, places: Places, dtype: DType = DType.INT8) -> None:
    """What CONV_2D and DEPTHWISE_CONV_2D ask for alike."""
    need_inputs(graph, op, 2, 3)
    x, weights = graph.required(op, 0), graph.required(op, 1)
    need_quantized(op, dtype, x, graph.output(op))
    if len(x.shape) != 4 or len(weights.shape) != 4:
        raise reject(op, f"input {x.shape} and weights {weights.shape} must have 4 dimensions")
    options: ConvOptions = op.options
    if options.padding == "?" or min(*options.stride, *options.dilation) < 1:
        raise reject(op, "padding, stride or dilation is invalid")
    need_parameters(graph, op, weights.shape[places.axis], places)
    need_activation(op, options.activation)


def conv_axes(graph: Graph, op: Op) -> tuple[_window.Axis, _window.Axis]:
    """(rows, columns) of the convolution; the weights' axes 1 and 2 are the window."""
    x, weights, y = graph.required(op, 0), graph.required(op, 1), graph.output(op)
    o: ConvOptions = op.options
    rows, columns = (
        _window.axis(x.shape[i], y.shape[i], weights.shape[i], o.stride[i - 1], o.dilation[i - 1], o.padding)
        for i in (1, 2)
    )
    if o.padding == "EXPLICIT":
        return replace(rows, pad_before=o.pad[0][0]), replace(columns, pad_before=o.pad[1][0])
    return rows, columns


def conv_output_shape(graph: Graph, op: Op, channels: int) -> Shape:
    x, weights = graph.required(op, 0), graph.required(op, 1)
    o: ConvOptions = op.options
    padded = [x.shape[i] + sum(o.pad[i - 1]) for i in (1, 2)]
    size = [_window.output_size(padded[i], weights.shape[i + 1], o.stride[i], o.dilation[i], o.padding) for i in (0, 1)]
    return (x.shape[0], size[0], size[1], channels)


def conv_geometry(graph: Graph, op: Op) -> tuple[tuple[str, int], ...]:
    """The geometry that every convolution kernel has first in its params."""
    rows, columns = conv_axes(graph, op)
    return (
        ("input_height", rows.input),
        ("input_width", columns.input),
        ("input_channels", graph.required(op, 0).shape[3]),
        ("output_width", columns.output),
        ("output_channels", graph.output(op).shape[3]),
        ("kernel_height", rows.kernel),
        ("kernel_width", columns.kernel),
        ("stride_height", rows.stride),
        ("stride_width", columns.stride),
        ("dilation_height", rows.dilation),
        ("dilation_width", columns.dilation),
        ("pad_top", rows.pad_before),
        ("pad_left", columns.pad_before),
    )


def conv_params(graph: Graph, op: Op) -> tuple[tuple[str, int | float | Constant], ...]:
    """The geometry, and the output stage, that both convolution kernels have in their params."""
    x, y = graph.required(op, 0), graph.output(op)
    low, high = activation_range(op.options.activation, y)
    return (
        *conv_geometry(graph, op),
        ("input_zero_point", x.zero_point),
        ("output_zero_point", y.zero_point),
        ("activation_min", low),
        ("activation_max", high),
    )


class Conv2D(Operator):
    """Weights and bias are constant: weights int8 or int4 with zero point 0, bias int32 or absent. Images are NHWC;
    Conv1D arrives with a height of 1. Any padding, stride and dilation. Refused: weights whose sum could leave 32 bits.
    """

    kind = "CONV_2D"
    kernel = "conv_2d_s8"
    places = Places()

    def parse(self, options: Any) -> ConvOptions:
        return parse_conv_options(options)

    def check(self, graph: Graph, op: Op) -> None:
        check_conv(graph, op, self.places, self.dtype)
        x, weights = graph.required(op, 0), graph.required(op, 1)
        filters, per_group = weights.shape[0], weights.shape[3]
        if per_group == 0 or x.shape[3] % per_group or filters % (x.shape[3] // per_group):
            raise reject(op, f"input {x.shape} does not fit weights {weights.shape}")

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (conv_output_shape(graph, op, graph.required(op, 1).shape[0]),)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        x, y = graph.required(op, 0), graph.output(op)
        weights = inputs[1]
        filters, depth = weights.shape[0], weights.shape[3]
        groups = x.shape[3] // depth
        offset = inputs[0].astype(np.int32) - x.zero_point
        columns = _window.patches(offset, *conv_axes(graph, op), fill=0)
        accumulators = np.empty(y.shape, np.int64)
        for group in range(groups):
            which = slice(group * filters // groups, (group + 1) * filters // groups)
            taps = columns[..., group * depth : (group + 1) * depth].reshape(*y.shape[:3], -1)
            accumulators[..., which] = exact_matmul(taps, weights[which].reshape(filters // groups, -1).T)
        return (output_stage(graph, op, accumulators, self.places),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        weights, y = graph.required(op, 1), graph.output(op)
        assert weights.data is not None
        groups = graph.required(op, 0).shape[3] // weights.shape[3]
        # the kernel counts padding as the zero point, so that one folded bias serves every window
        sums = weights.data.astype(np.int64).sum(axis=(1, 2, 3))
        bias = bias_of(graph, op, self.places) - graph.required(op, 0).zero_point * sums
        return (
            KernelCall(
                kernel=self.kernel,
                params=(*conv_params(graph, op), ("groups", groups), *parameters(graph, op, bias, self.places)),
                inputs=(operand(graph, op.inputs[0]),),
                output=operand(graph, op.outputs[0]),
                rows=y.shape[1],
                reads=(conv_axes(graph, op)[0].reads(),),
            ),
        )

    def macs(self, graph: Graph, op: Op) -> int:
        weights = graph.required(op, 1)
        return graph.output(op).elements * weights.elements // weights.shape[0]

"""TRANSPOSE_CONV, int8 (or int16 with int8 weights), per-channel or per-tensor weights.

Equals TransposeConv (integer_ops/transpose_conv.h).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygen.ir import Array, DType, Graph, Op
from tinygen.ops import _window
from tinygen.ops._parameters import Places, bias_of, need_parameters, output_stage, parameters
from tinygen.ops._requantize import activation_name, activation_range, exact_matmul, need_activation
from tinygen.ops.base import KernelCall, Operator, Reads, Shape, need_inputs, need_quantized, operand, reject

SHAPE, WEIGHTS, INPUT, BIAS = 0, 1, 2, 3  # positions of the inputs
_PLACES = Places(source=INPUT, weights=WEIGHTS, bias=BIAS, narrow=False)


@dataclass(frozen=True, slots=True)
class TransposeConvOptions:
    """Strides as (rows, columns)."""

    padding: str
    stride: tuple[int, int]
    activation: str


class TransposeConv(Operator):
    """NHWC, weights and bias constant (weights with zero point 0, bias int32 or absent), any padding and stride."""

    kind = "TRANSPOSE_CONV"
    kernel = "transpose_conv_s8"

    def parse(self, options: Any) -> TransposeConvOptions:
        return TransposeConvOptions(
            _window.PADDING.get(options.padding, "?"),
            (options.strideH, options.strideW),
            activation_name(options.fusedActivationFunction),
        )

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 3, 4)
        need_quantized(op, self.dtype, graph.required(op, INPUT), graph.output(op))
        self.need_shapes(graph, op)
        channels = graph.required(op, WEIGHTS).shape[0]
        need_parameters(graph, op, channels, _PLACES)
        need_activation(op, op.options.activation)

    def need_shapes(self, graph: Graph, op: Op) -> None:
        """Raise unless the shapes and the options fit."""
        shape, weights, x = (graph.required(op, i) for i in (SHAPE, WEIGHTS, INPUT))
        y = graph.output(op)
        if {len(t.shape) for t in (weights, x, y)} != {4} or weights.shape[3] != x.shape[3] or x.elements == 0:
            raise reject(op, f"input {x.shape}, weights {weights.shape} and output {y.shape} do not fit")
        if shape.dtype is not DType.INT32 or shape.shape != (4,):
            raise reject(op, f"the output shape is {shape.dtype.value} {shape.shape}, int32 of 4 elements expected")
        if op.options.padding == "?" or min(op.options.stride) < 1:
            raise reject(op, "padding or stride is invalid")
        for size, back in zip(x.shape[1:3], self.axes(graph, op), strict=True):
            o = op.options.padding
            if size != _window.output_size(back.input, back.kernel, back.stride, 1, o) or back.kernel < 1:
                raise reject(op, f"no convolution with these options makes {x.shape} from {y.shape}")

    def axes(self, graph: Graph, op: Op) -> tuple[_window.Axis, _window.Axis]:
        """(rows, columns) of the convolution that goes back, from the output to the input."""
        weights, x, y = graph.required(op, WEIGHTS), graph.required(op, INPUT), graph.output(op)
        o: TransposeConvOptions = op.options
        rows, columns = (
            _window.axis(y.shape[i], x.shape[i], weights.shape[i], o.stride[i - 1], 1, o.padding) for i in (1, 2)
        )
        return rows, columns

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        """The shape in input 0; where the graph computes it, the declared one, which check() has seen to fit."""
        shape, weights, x, y = (*(graph.required(op, i) for i in (SHAPE, WEIGHTS, INPUT)), graph.output(op))
        height_width = y.shape[1:3] if shape.data is None else tuple(int(n) for n in shape.data[1:3])
        return ((x.shape[0], *height_width, weights.shape[0]),)

    def spread(
        self, graph: Graph, op: Op, total: type[np.number[Any]], add: Callable[[Array, int, int], None]
    ) -> Array:
        """(N, H, W, C) of the output, where every input pixel spreads over a window.

        add: adds the products with the weights at (ky, kx) to what of the output they reach, (N, h, w, C) of the
        input's height and width; called with the last place first, so that input pixels reach an output in their order.
        """
        rows, columns = self.axes(graph, op)
        n, height, width, _ = graph.required(op, INPUT).shape
        shape = ((height - 1) * rows.stride + rows.kernel, (width - 1) * columns.stride + columns.kernel)
        wide = np.zeros((n, *shape, graph.output(op).shape[3]), total)  # the output with margins
        for ky, kx in reversed(list(np.ndindex(rows.kernel, columns.kernel))):
            down = slice(ky, ky + (height - 1) * rows.stride + 1, rows.stride)
            across = slice(kx, kx + (width - 1) * columns.stride + 1, columns.stride)
            add(wide[:, down, across], ky, kx)
        behind = [max(0, a.input + a.pad_before - size) for a, size in zip((rows, columns), shape, strict=True)]
        wide = np.pad(wide, ((0, 0), (0, behind[0]), (0, behind[1]), (0, 0)))
        top, left = rows.pad_before, columns.pad_before
        return wide[:, top : top + rows.input, left : left + columns.input]

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        x = graph.required(op, INPUT)
        weights, offset = inputs[WEIGHTS], inputs[INPUT].astype(np.int32) - x.zero_point

        def add(reached: Array, ky: int, kx: int) -> None:
            reached += exact_matmul(offset, weights[:, ky, kx].T)

        return (output_stage(graph, op, self.spread(graph, op, np.int64, add), _PLACES),)

    def geometry(self, graph: Graph, op: Op) -> tuple[tuple[str, int], ...]:
        """The params with which the kernels begin."""
        x, y = graph.required(op, INPUT), graph.output(op)
        rows, columns = self.axes(graph, op)
        return (
            ("input_height", x.shape[1]),
            ("input_width", x.shape[2]),
            ("input_channels", x.shape[3]),
            ("output_width", y.shape[2]),
            ("output_channels", y.shape[3]),
            ("kernel_height", rows.kernel),
            ("kernel_width", columns.kernel),
            ("stride_height", rows.stride),
            ("stride_width", columns.stride),
            ("pad_top", rows.pad_before),
            ("pad_left", columns.pad_before),
        )

    def reads(self, graph: Graph, op: Op) -> Reads:
        """The input rows whose windows reach each output row."""
        axis, height, rows = self.axes(graph, op)[0], graph.required(op, INPUT).shape[1], graph.output(op).shape[1]
        first = [min(max(-((axis.kernel - 1 - y - axis.pad_before) // axis.stride), 0), height) for y in range(rows)]
        behind = [min((y + axis.pad_before) // axis.stride + 1, height) for y in range(rows)]
        return Reads(tuple(first), tuple(map(max, first, behind)))

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        weights, x, y = graph.required(op, WEIGHTS), graph.required(op, INPUT), graph.output(op)
        assert weights.data is not None
        low, high = activation_range(op.options.activation, y)
        return (
            KernelCall(
                kernel=self.kernel,
                params=(
                    *self.geometry(graph, op),
                    ("input_zero_point", x.zero_point),
                    ("output_zero_point", y.zero_point),
                    ("activation_min", low),
                    ("activation_max", high),
                    *parameters(graph, op, bias_of(graph, op, _PLACES), _PLACES),
                ),
                inputs=(operand(graph, op.inputs[INPUT]),),
                output=operand(graph, op.outputs[0]),
                rows=y.shape[1],
                reads=(self.reads(graph, op),),
            ),
        )

    def macs(self, graph: Graph, op: Op) -> int:
        """Each input element times each weight of its channel, also those that fall outside the output."""
        weights = graph.required(op, WEIGHTS)
        return graph.required(op, INPUT).elements * weights.elements // weights.shape[3]

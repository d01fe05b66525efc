"""What AVERAGE_POOL_2D and MAX_POOL_2D share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from tinygen.ir import Graph, Op
from tinygen.ops import _window
from tinygen.ops._requantize import activation_name, activation_range, need_activation
from tinygen.ops.base import KernelCall, Operator, Shape, need_inputs, need_quantized, operand, reject


@dataclass(frozen=True, slots=True)
class PoolOptions:
    """Window and stride as (rows, columns)."""

    padding: str
    stride: tuple[int, int]
    window: tuple[int, int]
    activation: str


class Pool2D(Operator):
    """Base of the two pooling operators; not an operator itself."""

    kernel: ClassVar[str]

    def parse(self, options: Any) -> PoolOptions:
        return PoolOptions(
            _window.PADDING.get(options.padding, "?"),
            (options.strideH, options.strideW),
            (options.filterHeight, options.filterWidth),
            activation_name(options.fusedActivationFunction),
        )

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 1, 1)
        x, y = graph.required(op, 0), graph.output(op)
        need_quantized(op, self.dtype, x, y)
        options: PoolOptions = op.options
        if len(x.shape) != 4:
            raise reject(op, f"input {x.shape} must have 4 dimensions")
        if options.padding == "?" or min(*options.stride, *options.window) < 1:
            raise reject(op, "padding, stride or window is invalid")
        if abs(x.scale - y.scale) > 1e-6 or x.zero_point != y.zero_point:
            raise reject(op, "input and output must have the same quantization (TFLM asks for it too)")
        need_activation(op, options.activation)

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        x = graph.required(op, 0)
        o: PoolOptions = op.options
        size = [_window.output_size(x.shape[i], o.window[i - 1], o.stride[i - 1], 1, o.padding) for i in (1, 2)]
        return ((x.shape[0], size[0], size[1], x.shape[3]),)

    def axes(self, graph: Graph, op: Op) -> tuple[_window.Axis, _window.Axis]:
        """(rows, columns) of the window."""
        x, y = graph.required(op, 0), graph.output(op)
        o: PoolOptions = op.options
        rows, columns = (
            _window.axis(x.shape[i], y.shape[i], o.window[i - 1], o.stride[i - 1], 1, o.padding) for i in (1, 2)
        )
        return rows, columns

    def geometry(self, graph: Graph, op: Op) -> tuple[tuple[str, int], ...]:
        """The params with which the kernels begin."""
        rows, columns = self.axes(graph, op)
        return (
            ("input_height", rows.input),
            ("input_width", columns.input),
            ("channels", graph.output(op).shape[3]),
            ("output_width", columns.output),
            ("window_height", rows.kernel),
            ("window_width", columns.kernel),
            ("stride_height", rows.stride),
            ("stride_width", columns.stride),
            ("pad_top", rows.pad_before),
            ("pad_left", columns.pad_before),
        )

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        y = graph.output(op)
        low, high = activation_range(op.options.activation, y)
        return (
            KernelCall(
                kernel=self.kernel,
                params=(*self.geometry(graph, op), ("activation_min", low), ("activation_max", high)),
                inputs=(operand(graph, op.inputs[0]),),
                output=operand(graph, op.outputs[0]),
                rows=y.shape[1],
                reads=(self.axes(graph, op)[0].reads(),),
            ),
        )

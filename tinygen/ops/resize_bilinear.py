"""RESIZE_BILINEAR, int8; equals ResizeBilinearInteger in reference/resize_bilinear.h: positions in 1/1024 pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygen.ir import Array, DType, Graph, Op
from tinygen.ops.base import (
    KernelCall,
    Operator,
    Reads,
    Shape,
    need_constant,
    need_inputs,
    need_quantized,
    operand,
    reject,
)

_LARGEST = 1 << 20  # pixels along an axis, so that positions fit 32 bits


@dataclass(frozen=True, slots=True)
class ResizeOptions:
    align_corners: bool
    half_pixel_centers: bool


class ResizeBilinear(Operator):
    """NHWC; the new size is constant."""

    kind = "RESIZE_BILINEAR"
    kernel = "resize_bilinear_s8"

    def parse(self, options: Any) -> ResizeOptions:
        return ResizeOptions(bool(options.alignCorners), bool(options.halfPixelCenters))

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 2, 2)
        x, y = graph.required(op, 0), graph.output(op)
        need_quantized(op, self.dtype, x, y)
        self.need_shapes(graph, op)
        if (x.scale, x.zero_point) != (y.scale, y.zero_point):
            raise reject(op, "input and output must have the same scale and zero point")
        for axis in (1, 2):
            if self._bounds(graph, op, axis)[1].max() >= x.shape[axis]:
                raise reject(op, f"{x.shape} to {y.shape}: rounded positions leave the input, in TFLM too")

    def need_shapes(self, graph: Graph, op: Op) -> None:
        """Raise unless the new size is a constant that fits, and the options can be together."""
        x, size = graph.required(op, 0), graph.required(op, 1)
        data = need_constant(op, size, "the new size")
        if size.dtype is not DType.INT32 or size.shape != (2,) or len(x.shape) != 4:
            raise reject(op, f"new size {size.dtype.value} {size.shape} for an input {x.shape}")
        if min(*data, *x.shape) < 1 or max(*data, *x.shape[1:3]) > _LARGEST:
            raise reject(op, f"resizing {x.shape} to {data.tolist()}")
        if op.options.align_corners and op.options.half_pixel_centers:
            raise reject(op, "align_corners and half_pixel_centers exclude each other")

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        n, _, _, c = graph.required(op, 0).shape
        height, width = self.size(graph, op)
        return ((n, height, width, c),)

    def size(self, graph: Graph, op: Op) -> tuple[int, int]:
        data = graph.required(op, 1).data
        assert data is not None
        return int(data[0]), int(data[1])

    def _step(self, graph: Graph, op: Op, axis: int) -> int:
        """Input pixels per output pixel, times 1024, rounded."""
        old, new = graph.required(op, 0).shape[axis], self.size(graph, op)[axis - 1]
        if op.options.align_corners and new > 1:
            old, new = old - 1, new - 1
        return (1024 * old + new // 2) // new

    def _start(self, graph: Graph, op: Op, axis: int) -> int:
        """The position of output pixel 0, times 1024; halves are at the pixels' middle with half_pixel_centers."""
        return self._step(graph, op, axis) // 2 - 512 if op.options.half_pixel_centers else 0

    def _bounds(self, graph: Graph, op: Op, axis: int) -> tuple[Array, Array, Array]:
        """(position, pixel before, pixel behind) of each output pixel; the position may lie outside of the input."""
        old, new = graph.required(op, 0).shape[axis], self.size(graph, op)[axis - 1]
        position = self._start(graph, op, axis) + np.arange(new, dtype=np.int64) * self._step(graph, op, axis)
        return position, np.maximum(position, 0) >> 10, np.minimum((position + 1023) >> 10, old - 1)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        values = inputs[0].astype(np.int64)
        for axis in (1, 2):
            position, before, behind = self._bounds(graph, op, axis)
            part = (position - 1024 * before).reshape(-1, *(1,) * (3 - axis))
            values = values.take(before, axis) * (1024 - part) + values.take(behind, axis) * part
        # to the nearest, halves away from zero
        return ((np.sign(values) * ((np.abs(values) + (1 << 19)) >> 20)).astype(self.dtype.value),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        x, y = graph.required(op, 0), graph.output(op)
        _, before, behind = self._bounds(graph, op, 1)
        return (
            KernelCall(
                kernel=self.kernel,
                params=(
                    ("input_height", x.shape[1]),
                    ("input_width", x.shape[2]),
                    ("channels", x.shape[3]),
                    ("output_width", y.shape[2]),
                    ("start_height", self._start(graph, op, 1)),
                    ("start_width", self._start(graph, op, 2)),
                    ("step_height", self._step(graph, op, 1)),
                    ("step_width", self._step(graph, op, 2)),
                ),
                inputs=(operand(graph, op.inputs[0]),),
                output=operand(graph, op.outputs[0]),
                rows=y.shape[1],
                reads=(Reads(tuple(before.tolist()), tuple((behind + 1).tolist())),),
            ),
        )

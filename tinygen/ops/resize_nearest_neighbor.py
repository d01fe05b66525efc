"""RESIZE_NEAREST_NEIGHBOR, NHWC, any element type; equals reference/resize_nearest_neighbor.h."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor
from typing import Any

import numpy as np

from tinygen.ir import Array, Graph, Op
from tinygen.ops._copy import strides
from tinygen.ops._index import IndexAxis, index_calls
from tinygen.ops._movement import integers, may_alias, need_integers, need_operands, need_rank, need_same_values
from tinygen.ops.base import KernelCall, Operator, Shape, reject


@dataclass(frozen=True, slots=True)
class ResizeOptions:
    align_corners: bool
    half_pixel_centers: bool


class ResizeNearestNeighbor(Operator):
    """NHWC; the new size is constant."""

    kind = "RESIZE_NEAREST_NEIGHBOR"

    def parse(self, options: Any) -> ResizeOptions:
        return ResizeOptions(bool(options.alignCorners), bool(options.halfPixelCenters))

    def check(self, graph: Graph, op: Op) -> None:
        need_operands(graph, op, 2)
        x = graph.required(op, 0)
        need_same_values(op, x, graph.output(op))
        need_rank(op, x.shape, 4, 4)
        if min(need_integers(graph, op, 1, "the size", 2)) < 1:
            raise reject(op, "a size below 1")

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        n, _, _, c = graph.required(op, 0).shape
        return ((n, *integers(graph, op, 1), c),)

    def _indices(self, op: Op, size: int, output: int) -> tuple[int, ...]:
        """The input coordinate of each output coordinate, in float32 arithmetic."""
        o: ResizeOptions = op.options
        corners = o.align_corners and output > 1
        scale = np.float32(size - 1) / np.float32(output - 1) if corners else np.float32(size) / np.float32(output)
        offset = np.float32(0.5 if o.half_pixel_centers else 0.0)
        places = [float((np.float32(i) + offset) * scale) for i in range(output)]
        # half away from zero when corners are aligned; places are not negative
        return tuple(min(floor(place + 0.5 if o.align_corners else place), size - 1) for place in places)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        x, (_, height, width, _) = inputs[0], graph.output(op).shape
        rows = x.take(self._indices(op, x.shape[1], height), 1)
        return (rows.take(self._indices(op, x.shape[2], width), 2),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        x, (_, height, width, _) = graph.required(op, 0), graph.output(op).shape
        n, h, w, c = x.shape
        indices = (range(n), self._indices(op, h, height), self._indices(op, w, width), range(c))
        axes = [IndexAxis(*axis) for axis in zip(indices, strides(x.shape, x.dtype.size), strict=True)]
        return index_calls(graph, op.inputs[0], op.outputs[0], axes, may_alias(graph, op))

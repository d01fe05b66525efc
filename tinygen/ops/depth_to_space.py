"""DEPTH_TO_SPACE, NHWC, any element type; equals reference/depth_to_space.h."""

from __future__ import annotations

from collections.abc import Sequence

from tinygen.ir import Array, Graph, Op
from tinygen.ops._blocks import BlockOperator
from tinygen.ops._copy import Copy, Loop, strides
from tinygen.ops.base import Shape


class DepthToSpace(BlockOperator):
    kind = "DEPTH_TO_SPACE"

    def fits(self, shape: tuple[int, int, int, int], block: int) -> bool:
        return shape[3] % (block * block) == 0

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        (n, h, w, c), b = graph.required(op, 0).shape, op.options.size
        return ((n, h * b, w * b, c // (b * b)),)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        (n, h, w, c), b = inputs[0].shape, op.options.size
        blocks = inputs[0].reshape(n, h, w, b, b, c // (b * b))
        return (blocks.transpose(0, 1, 3, 2, 4, 5).reshape(graph.output(op).shape),)

    def copy(self, graph: Graph, op: Op) -> Copy:
        x, b = graph.required(op, 0), op.options.size
        n, h, w, c = x.shape
        depth = c // (b * b)
        image, row, pixel, element = strides(x.shape, x.dtype.size)
        extents = (n, h, b, w, b, depth)
        of = (image, row, b * depth * element, pixel, depth * element, element)
        return Copy(tuple(Loop(*loop) for loop in zip(extents, of, strides(extents, element), strict=True)))

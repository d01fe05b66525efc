"""SPACE_TO_DEPTH, NHWC, any element type; equals reference/space_to_depth.h."""

from __future__ import annotations

from collections.abc import Sequence

from tinygen.ir import Array, Graph, Op
from tinygen.ops._blocks import BlockOperator
from tinygen.ops._copy import Copy, Loop, strides
from tinygen.ops.base import Shape


class SpaceToDepth(BlockOperator):
    kind = "SPACE_TO_DEPTH"

    def fits(self, shape: tuple[int, int, int, int], block: int) -> bool:
        return shape[1] % block == 0 and shape[2] % block == 0

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        (n, h, w, c), b = graph.required(op, 0).shape, op.options.size
        return ((n, h // b, w // b, b * b * c),)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        (n, h, w, c), b = graph.output(op).shape, op.options.size
        blocks = inputs[0].reshape(n, h, b, w, b, c // (b * b))
        return (blocks.transpose(0, 1, 3, 2, 4, 5).reshape(n, h, w, c),)

    def copy(self, graph: Graph, op: Op) -> Copy:
        x, (n, h, w, c), b = graph.required(op, 0), graph.output(op).shape, op.options.size
        image, row, pixel, element = strides(x.shape, x.dtype.size)
        extents = (n, h, w, b, b, c // (b * b))
        of = (image, b * row, b * pixel, row, pixel, element)
        return Copy(tuple(Loop(*loop) for loop in zip(extents, of, strides(extents, element), strict=True)))

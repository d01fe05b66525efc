"""BATCH_TO_SPACE_ND, NHWC or NHC, any element type; equals reference/batch_to_space_nd.h."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from tinygen.ir import Array, Graph, Op
from tinygen.ops._batch import Interleave, batch_copies, blocks_and_pairs, check_batch, with_width
from tinygen.ops._copy import copy_calls
from tinygen.ops.base import KernelCall, Operator, Shape, reject


class BatchToSpaceND(Operator):
    kind = "BATCH_TO_SPACE_ND"

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        check_batch(graph, op)
        shape, axes = graph.required(op, 0).shape, blocks_and_pairs(graph, op)
        if shape[0] % prod(block for block, _, _ in axes):
            raise reject(op, f"{shape[0]} images are no multiple of the blocks")

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        shape, axes = graph.required(op, 0).shape, blocks_and_pairs(graph, op)
        spatial = (n * block - a - z for n, (block, a, z) in zip(shape[1:-1], axes, strict=True))
        return ((shape[0] // prod(block for block, _, _ in axes), *spatial, shape[-1]),)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        x, y, axes = inputs[0], graph.output(op), blocks_and_pairs(graph, op)
        blocks, count = tuple(block for block, _, _ in axes), len(axes)
        cut = x.reshape(*blocks, y.shape[0], *x.shape[1:])
        order = [count, *(axis for i in range(count) for axis in (count + 1 + i, i)), 2 * count + 1]
        whole = cut.transpose(order).reshape(
            y.shape[0], *(n * block for n, block in zip(x.shape[1:-1], blocks, strict=True)), y.shape[-1]
        )
        kept = (slice(None), *(slice(a, a + n) for n, (_, a, _) in zip(y.shape[1:-1], axes, strict=True)))
        return (whole[kept],)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        x, y = graph.required(op, 0), graph.output(op)
        image, small = with_width(y.shape), with_width(x.shape)
        given = (*blocks_and_pairs(graph, op), (1, 0, 0))[:2]
        axes = tuple(
            Interleave(image[i + 1], before, block, small[i + 1]) for i, (block, before, _) in enumerate(given)
        )
        calls: tuple[KernelCall, ...] = ()
        for copy in batch_copies(small, image, axes, x.dtype.size, to_small=False):
            calls += copy_calls(graph, op.inputs[0], op.outputs[0], copy)
        return calls

"""SPACE_TO_BATCH_ND, NHWC or NHC, any element type; equals reference/space_to_batch_nd.h.

Padding is the zero point, as in TFLite. TFLM never sets its padding value: it pads with what its memory holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from tinygen.ir import Array, Graph, Op
from tinygen.ops._batch import Interleave, batch_copies, blocks_and_pairs, check_batch, with_width
from tinygen.ops._copy import copy_calls
from tinygen.ops._pad import fill_with
from tinygen.ops.base import KernelCall, Operator, Shape, reject


class SpaceToBatchND(Operator):
    kind = "SPACE_TO_BATCH_ND"

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        check_batch(graph, op)
        shape = graph.required(op, 0).shape
        for extent, (block, before, behind) in zip(shape[1:-1], blocks_and_pairs(graph, op), strict=True):
            if (extent + before + behind) % block:
                raise reject(op, f"{before} + {extent} + {behind} pixels are no multiple of the block {block}")

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        shape, axes = graph.required(op, 0).shape, blocks_and_pairs(graph, op)
        spatial = ((n + a + z) // block for n, (block, a, z) in zip(shape[1:-1], axes, strict=True))
        return ((shape[0] * prod(block for block, _, _ in axes), *spatial, shape[-1]),)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        y, axes = graph.output(op), blocks_and_pairs(graph, op)
        pairs = [(0, 0), *((a, z) for _, a, z in axes), (0, 0)]
        padded = np.pad(inputs[0], pairs, constant_values=y.zero_point)
        cut = [n for small, (block, _, _) in zip(y.shape[1:-1], axes, strict=True) for n in (small, block)]
        spatial = range(1, 2 * len(axes), 2)
        order = (*(s + 1 for s in spatial), 0, *spatial, 2 * len(axes) + 1)
        return (padded.reshape(inputs[0].shape[0], *cut, y.shape[-1]).transpose(order).reshape(y.shape),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        x, y = graph.required(op, 0), graph.output(op)
        image, small = with_width(x.shape), with_width(y.shape)
        given = (*blocks_and_pairs(graph, op), (1, 0, 0))[:2]
        axes = tuple(
            Interleave(image[i + 1], before, block, small[i + 1]) for i, (block, before, _) in enumerate(given)
        )
        fill = fill_with(np.array(y.zero_point, y.dtype.value)) if x.elements < y.elements else None
        calls: tuple[KernelCall, ...] = ()
        for copy in batch_copies(small, image, axes, x.dtype.size, to_small=True):
            calls += copy_calls(graph, op.inputs[0], op.outputs[0], copy, None if calls else fill)
        return calls

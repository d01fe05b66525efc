"""TILE: the input repeated along its axes, any element type, up to 5 dimensions; TFLM has no such operator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygen.ir import Array, Graph, Op
from tinygen.ops._copy import LOOPS, Copy, Loop, strides
from tinygen.ops._index import IndexAxis, index_calls
from tinygen.ops._movement import (
    Mover,
    integers,
    may_alias,
    need_integers,
    need_operands,
    need_rank,
    need_same_values,
)
from tinygen.ops.base import KernelCall, Shape, reject


class Tile(Mover):
    kind = "TILE"

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_operands(graph, op, 2)
        x = graph.required(op, 0)
        need_same_values(op, x, graph.output(op))
        need_rank(op, x.shape, 1, 5)
        if min(need_integers(graph, op, 1, "the multiples", len(x.shape))) < 1:
            raise reject(op, "a multiple below 1")

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (tuple(n * m for n, m in zip(graph.required(op, 0).shape, integers(graph, op, 1), strict=True)),)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        return (np.tile(inputs[0], integers(graph, op, 1)),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        loops = [loop for loop in self.copy(graph, op).loops if loop.extent > 1]
        if len(loops) <= LOOPS:
            return super().lower(graph, op)
        x = graph.required(
            op, 0
        )  # many axes are repeated: copies would be unrolled, a table per axis does it in one call
        pairs = zip(x.shape, integers(graph, op, 1), strides(x.shape, x.dtype.size), strict=True)
        axes = [IndexAxis(tuple(range(n)) * multiple, stride) for n, multiple, stride in pairs]
        return index_calls(graph, op.inputs[0], op.outputs[0], axes, may_alias(graph, op))

    def copy(self, graph: Graph, op: Op) -> Copy:
        x, y = graph.required(op, 0), graph.output(op)
        of, to = strides(x.shape, x.dtype.size), strides(y.shape, y.dtype.size)
        loops: list[Loop] = []
        for extent, multiple, source, target in zip(x.shape, integers(graph, op, 1), of, to, strict=True):
            loops += [Loop(multiple, 0, extent * target), Loop(extent, source, target)]
        return Copy(tuple(loops))

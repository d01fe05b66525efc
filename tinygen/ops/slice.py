"""SLICE, any element type, up to 5 dimensions; equals TFLM's slice.cc."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygen.ir import Array, Graph, Op
from tinygen.ops._copy import Copy, Loop, strides
from tinygen.ops._movement import Mover, integers, need_integers, need_operands, need_rank, need_same_values
from tinygen.ops.base import Shape, reject


class Slice(Mover):
    kind = "SLICE"

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_operands(graph, op, 3)
        x = graph.required(op, 0)
        need_same_values(op, x, graph.output(op))
        need_rank(op, x.shape, 1, 5)
        begin = need_integers(graph, op, 1, "the begin", len(x.shape))
        size = need_integers(graph, op, 2, "the size", len(x.shape))
        for start, length, extent in zip(begin, size, x.shape, strict=True):
            if start < 0 or length < -1 or start + max(length, 1) > extent:
                raise reject(op, f"the slice from {begin} of the size {size} does not fit into {x.shape}")

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        """A size of -1 goes to the end."""
        axes = zip(graph.required(op, 0).shape, integers(graph, op, 1), integers(graph, op, 2), strict=True)
        return (tuple(extent - start if size == -1 else size for extent, start, size in axes),)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        spans = zip(integers(graph, op, 1), graph.output(op).shape, strict=True)
        return (inputs[0][tuple(slice(start, start + size) for start, size in spans)],)

    def copy(self, graph: Graph, op: Op) -> Copy:
        x, y = graph.required(op, 0), graph.output(op)
        of, to = strides(x.shape, x.dtype.size), strides(y.shape, y.dtype.size)
        first = sum(start * stride for start, stride in zip(integers(graph, op, 1), of, strict=True))
        return Copy(tuple(Loop(*loop) for loop in zip(y.shape, of, to, strict=True)), input_offset=first)

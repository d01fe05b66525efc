"""BROADCAST_TO, any element type, up to 5 dimensions; equals reference/broadcast_to.h."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygen.ir import Array, Graph, Op
from tinygen.ops._copy import Copy, Loop, strides
from tinygen.ops._movement import Mover, integers, need_integers, need_operands, need_rank, need_same_values
from tinygen.ops.base import Shape, reject


class BroadcastTo(Mover):
    kind = "BROADCAST_TO"

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_operands(graph, op, 2)
        x, y = graph.required(op, 0), graph.output(op)
        need_same_values(op, x, y)
        need_rank(op, y.shape, 1, 5)
        shape = need_integers(graph, op, 1, "the shape", len(y.shape))
        ending = shape[len(shape) - len(x.shape) :]
        if len(x.shape) > len(shape) or any(n not in (1, m) for n, m in zip(x.shape, ending, strict=True)):
            raise reject(op, f"{x.shape} cannot be broadcast to {shape}")

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (integers(graph, op, 1),)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        return (np.broadcast_to(inputs[0], integers(graph, op, 1)),)

    def copy(self, graph: Graph, op: Op) -> Copy:
        x, y = graph.required(op, 0), graph.output(op)
        shape = (1,) * (len(y.shape) - len(x.shape)) + x.shape
        of = [0 if n == 1 else s for n, s in zip(shape, strides(shape, x.dtype.size), strict=True)]
        return Copy(tuple(Loop(*loop) for loop in zip(y.shape, of, strides(y.shape, y.dtype.size), strict=True)))

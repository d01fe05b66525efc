"""PRELU, float32: negative numbers times alpha, which is broadcast and may be computed."""

from __future__ import annotations

import numpy as np

from tinygen.ir import Array, Graph, Op
from tinygen.ops.base import reject
from tinygen.ops.float32._binary import FloatBinary


class Prelu(FloatBinary):
    kind = "PRELU"

    def check(self, graph: Graph, op: Op) -> None:
        super().check(graph, op)
        x, alpha = graph.required(op, 0), graph.required(op, 1)
        if self.output_shapes(graph, op) != (x.shape,):
            raise reject(op, f"alpha {alpha.shape} cannot be broadcast to the input {x.shape}")

    def apply(self, a: Array, b: Array) -> Array:
        return np.where(a >= 0, a, a * b)

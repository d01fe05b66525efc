"""ELU, int8: exp(x) - 1 below 0, else x; equals the table that TFLM's elu.cc makes with float32 arithmetic.

expf is taken as the float32 nearest to the true value, which C libraries give all but always.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygen.ir import Array, Graph, Op
from tinygen.ops._real import round_half_away
from tinygen.ops._table import ALL_INT8, TableOperator
from tinygen.ops.base import need_inputs, need_int8, reject


class Elu(TableOperator):
    kind = "ELU"

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 1, 1)
        x, y = graph.required(op, 0), graph.output(op)
        need_int8(op, x, y)
        if 256 * x.scale >= 2.0**30 * y.scale or y.scale <= 2.0**-30:
            raise reject(op, "the output scale is so small that outputs leave 32 bits", "calibrate with real data")

    def table(self, graph: Graph, op: Op) -> Array:
        x, y = graph.required(op, 0), graph.output(op)
        real = np.float32(x.scale) * (ALL_INT8 - x.zero_point).astype(np.float32)
        below = np.exp(np.minimum(real, np.float32(0)).astype(np.float64)).astype(np.float32) - np.float32(1)
        steps = np.where(real < 0, below, real) * (np.float32(1) / np.float32(y.scale))
        moved = round_half_away(steps.astype(np.float64)).astype(np.float32) + np.float32(y.zero_point)
        outputs: Array = np.clip(moved.astype(np.int64), -128, 127)
        return outputs.astype(np.int8)

"""RSQRT, int8: 1 / sqrt(x); equals RsqrtEvalQuantized in TFLM's elementwise.cc.

Of 0 it is the highest output. Negative inputs, at which TFLM stops the inference with an error, give that too.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygen.fixedpoint import multiply_by_quantized_multiplier, quantize_multiplier
from tinygen.ir import Array, Graph, Op
from tinygen.ops._functions import inverse_sqrt
from tinygen.ops._table import ALL_INT8, TableOperator
from tinygen.ops.base import need_inputs, need_quantized, reject

SHIFT = 20  # fraction bits of 1 / sqrt(steps)


class Rsqrt(TableOperator):
    kind = "RSQRT"

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 1, 1)
        need_quantized(op, self.dtype, graph.required(op, 0), graph.output(op))
        # within what a shift of int32 can do, and 1 / sqrt(steps) is at most 1
        real = self.multiplier(graph, op)
        if not 2.0**-12 <= real < 2.0**30:
            raise reject(op, f"the output scale is {real:g} output steps for 1 / sqrt of one input step")

    def multiplier(self, graph: Graph, op: Op) -> float:
        """Output steps per 1 / sqrt(input step). TFLM before autumn 2026 took it in float32."""
        return 1.0 / (math.sqrt(graph.required(op, 0).scale) * graph.output(op).scale)

    def table(self, graph: Graph, op: Op) -> Array:
        x, y = graph.required(op, 0), graph.output(op)
        multiplier, shift = quantize_multiplier(self.multiplier(graph, op))
        steps = ALL_INT8 - x.zero_point
        inverse = np.array([inverse_sqrt(max(int(n), 0)) for n in steps], np.int64)
        roots = multiply_by_quantized_multiplier(1, inverse[:, 0], inverse[:, 1] + SHIFT)
        outputs = multiply_by_quantized_multiplier(roots, multiplier, shift - SHIFT) + y.zero_point
        return np.where(steps > 0, np.clip(outputs, -128, 127), 127).astype(np.int8)

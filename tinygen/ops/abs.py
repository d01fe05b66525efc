"""ABS, int8; equals AbsEvalQuantized in TFLM's elementwise.cc."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygen.fixedpoint import multiply_by_quantized_multiplier, quantize_multiplier
from tinygen.ir import Array, Graph, Op
from tinygen.ops._requantize import need_multiplier
from tinygen.ops._table import ALL_INT8, TableOperator
from tinygen.ops.base import need_inputs, need_int8


class Abs(TableOperator):
    kind = "ABS"

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 1, 1)
        x, y = graph.required(op, 0), graph.output(op)
        need_int8(op, x, y)
        need_multiplier(op, x.scale / y.scale)

    def table(self, graph: Graph, op: Op) -> Array:
        x, y = graph.required(op, 0), graph.output(op)
        steps = np.abs(ALL_INT8 - x.zero_point)
        if x.scale != y.scale:
            # TFLM before autumn 2026 took this quotient in float32
            steps = multiply_by_quantized_multiplier(steps, *quantize_multiplier(x.scale / y.scale))
        outputs: Array = np.clip(steps + y.zero_point, -128, 127)
        return outputs.astype(np.int8)

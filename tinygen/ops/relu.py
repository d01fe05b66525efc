"""RELU that was not fused, int8; equals ReluQuantized with CalculateReluOpData (activations_common.cc)."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygen.fixedpoint import multiply_by_quantized_multiplier, quantize_multiplier
from tinygen.ir import Array, Graph, Op
from tinygen.ops._requantize import need_multiplier
from tinygen.ops._table import ALL_INT8, TableOperator
from tinygen.ops.base import need_inputs, need_int8


class Relu(TableOperator):
    kind = "RELU"

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 1, 1)
        x, y = graph.required(op, 0), graph.output(op)
        need_int8(op, x, y)
        need_multiplier(op, x.scale / y.scale)

    def table(self, graph: Graph, op: Op) -> Array:
        x, y = graph.required(op, 0), graph.output(op)
        # TFLM before autumn 2026 took this quotient in float32
        multiplier, shift = quantize_multiplier(x.scale / y.scale)
        scaled = multiply_by_quantized_multiplier(ALL_INT8 - x.zero_point, multiplier, shift) + y.zero_point
        return np.clip(scaled, max(-128, y.zero_point), 127).astype(np.int8)

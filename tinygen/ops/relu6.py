"""RELU6 that was not fused, int8; equals Relu6Quantized (activations_common.cc): a clamp in the input's scale."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygen.fixedpoint import quantize_float32
from tinygen.ir import Array, Graph, Op
from tinygen.ops._table import ALL_INT8, TableOperator
from tinygen.ops.base import need_inputs, need_int8, reject


class Relu6(TableOperator):
    kind = "RELU6"

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 1, 1)
        x, y = graph.required(op, 0), graph.output(op)
        need_int8(op, x, y)
        if (x.scale, x.zero_point) != (y.scale, y.zero_point):
            raise reject(op, "input and output must have the same quantization (TFLM does not rescale here)")
        if 6 / x.scale >= 1 << 31:
            raise reject(op, f"input scale {x.scale:g} is degenerate: 6 is beyond int32", "calibrate with real data")

    def table(self, graph: Graph, op: Op) -> Array:
        x = graph.required(op, 0)
        six = min(127, quantize_float32(6.0, x.scale, x.zero_point))
        return np.clip(ALL_INT8, x.zero_point, six).astype(np.int8)

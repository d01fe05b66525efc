"""RELU that was not fused, int16; equals ReluQuantized with CalculateReluOpData (activations_common.cc)."""

from __future__ import annotations

from typing import Any

from tinygen.fixedpoint import quantize_multiplier
from tinygen.ir import DType, Graph, Op
from tinygen.ops._requantize import need_multiplier
from tinygen.ops.base import need_inputs, need_quantized
from tinygen.ops.int16._rescale import LARGEST_SHIFT, Rescaler, Rescaling


class Relu(Rescaler):
    kind = "RELU"
    dtype = DType.INT16

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 1, 1)
        x, y = graph.required(op, 0), graph.output(op)
        need_quantized(op, self.dtype, x, y)
        need_multiplier(op, x.scale / y.scale, LARGEST_SHIFT)

    def rescaling(self, graph: Graph, op: Op) -> Rescaling:
        multiplier = quantize_multiplier(graph.required(op, 0).scale / graph.output(op).scale)
        return Rescaling(multiplier, multiplier, (0, 32767))

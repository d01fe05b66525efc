"""LEAKY_RELU, int16; equals leaky_relu_common.cc and QuantizeLeakyRelu in reference/leaky_relu.h."""

from __future__ import annotations

from typing import Any

from tinygen.fixedpoint import quantize_multiplier
from tinygen.ir import DType, Graph, Op
from tinygen.ops._requantize import need_multiplier
from tinygen.ops.base import need_inputs, need_quantized, reject
from tinygen.ops.int16._rescale import LARGEST_SHIFT, Rescaler, Rescaling
from tinygen.ops.leaky_relu import LeakyReluOptions


class LeakyRelu(Rescaler):
    kind = "LEAKY_RELU"
    dtype = DType.INT16

    def parse(self, options: Any) -> LeakyReluOptions:
        return LeakyReluOptions(float(options.alpha))

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 1, 1)
        need_quantized(op, self.dtype, graph.required(op, 0), graph.output(op))
        if not abs(op.options.alpha) < 2.0**20:
            raise reject(op, f"alpha is {op.options.alpha:g}")
        for real in self._reals(graph, op):
            need_multiplier(op, abs(real), LARGEST_SHIFT)

    def _reals(self, graph: Graph, op: Op) -> tuple[float, float]:
        """From input to output steps for inputs >= 0, and for those below."""
        x, y = graph.required(op, 0).scale, graph.output(op).scale
        return x / y, x * float(op.options.alpha) / y

    def rescaling(self, graph: Graph, op: Op) -> Rescaling:
        identity, alpha = self._reals(graph, op)
        sign = -1 if alpha < 0 else 1
        return Rescaling(quantize_multiplier(identity), quantize_multiplier(abs(alpha)), (-32768, 32767), out=sign)

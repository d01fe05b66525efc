"""LEAKY_RELU, int8; equals leaky_relu_common.cc and QuantizeLeakyRelu in reference/leaky_relu.h."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygen.fixedpoint import multiply_by_quantized_multiplier, quantize_multiplier
from tinygen.ir import Array, Graph, Op
from tinygen.ops._requantize import need_multiplier
from tinygen.ops._table import ALL_INT8, TableOperator
from tinygen.ops.base import need_inputs, need_int8, reject


@dataclass(frozen=True, slots=True)
class LeakyReluOptions:
    """What negative inputs are multiplied by; a float32 value."""

    alpha: float


class LeakyRelu(TableOperator):
    kind = "LEAKY_RELU"

    def parse(self, options: Any) -> LeakyReluOptions:
        return LeakyReluOptions(float(options.alpha))

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 1, 1)
        x, y = graph.required(op, 0), graph.output(op)
        need_int8(op, x, y)
        if not abs(op.options.alpha) < 2.0**20:
            raise reject(op, f"alpha is {op.options.alpha:g}")
        for real in self._multipliers(graph, op):
            need_multiplier(op, abs(real))

    def _multipliers(self, graph: Graph, op: Op) -> tuple[float, float]:
        """From input to output steps for inputs >= 0, and for those below.

        TFLM before autumn 2026 took these in float32.
        """
        x, y = graph.required(op, 0).scale, graph.output(op).scale
        return x / y, x * float(op.options.alpha) / y

    def table(self, graph: Graph, op: Op) -> Array:
        y = graph.output(op)
        steps = ALL_INT8 - graph.required(op, 0).zero_point
        identity, alpha = self._multipliers(graph, op)
        positive = multiply_by_quantized_multiplier(steps, *quantize_multiplier(identity))
        # the sign of alpha is taken out, for multipliers are not negative
        negative = multiply_by_quantized_multiplier(steps, *quantize_multiplier(abs(alpha)))
        scaled = np.where(steps >= 0, positive, np.copysign(1, alpha).astype(np.int64) * negative)
        outputs: Array = np.clip(scaled + y.zero_point, -128, 127)
        return outputs.astype(np.int8)

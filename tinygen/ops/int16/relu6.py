"""RELU6 that was not fused, int16; equals Relu6Quantized (activations_common.cc): a clamp in the input's scale.

Where 6 is beyond int16, TFLM stops or clamps at what is left of it in 16 bits; here nothing is clamped then. Like
TFLM's, it does not rescale; the converter writes scales that differ in the last digits.
"""

from __future__ import annotations

from typing import Any

from tinygen.fixedpoint import quantize_float32
from tinygen.ir import DType, Graph, Op
from tinygen.ops.base import need_inputs, need_quantized, reject
from tinygen.ops.int16._rescale import ONE, Rescaler, Rescaling

_CLOSE = 2.0**-10  # relative: the converter takes one scale from 65535 steps, the other one from 65534


class Relu6(Rescaler):
    kind = "RELU6"
    dtype = DType.INT16

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 1, 1)
        x, y = graph.required(op, 0), graph.output(op)
        need_quantized(op, self.dtype, x, y)
        if abs(x.scale - y.scale) > _CLOSE * y.scale:
            raise reject(op, "input and output must have the same scale (TFLM does not rescale here)")
        if 6 / x.scale >= 1 << 31:
            raise reject(op, f"input scale {x.scale:g} is degenerate: 6 is beyond int32", "calibrate with real data")

    def rescaling(self, graph: Graph, op: Op) -> Rescaling:
        six = min(32767, quantize_float32(6.0, graph.required(op, 0).scale, 0))
        return Rescaling(ONE, ONE, (0, six))

"""RSQRT, int16: 1 / sqrt(x); equals RsqrtEvalQuantized in TFLM's elementwise.cc.

Of 0 it is the highest output. Negative inputs, at which TFLM stops the inference with an error, give that too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinygen.fixedpoint import multiply_by_quantized_multiplier, quantize_multiplier
from tinygen.ir import Array, DType, Graph, Op
from tinygen.ops import rsqrt
from tinygen.ops._functions import inverse_sqrt
from tinygen.ops.base import KernelCall, operand, row_by_row


class Rsqrt(rsqrt.Rsqrt):
    kind = "RSQRT"
    dtype = DType.INT16

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        multiplier, shift = quantize_multiplier(self.multiplier(graph, op))
        distinct, where = np.unique(np.maximum(inputs[0], 0), return_inverse=True)
        inverse = np.array([inverse_sqrt(int(n)) for n in distinct], np.int64)
        roots = multiply_by_quantized_multiplier(1, inverse[:, 0], inverse[:, 1] + rsqrt.SHIFT)
        scaled = np.clip(multiply_by_quantized_multiplier(roots, multiplier, shift - rsqrt.SHIFT), -32768, 32767)
        outputs = np.where(distinct > 0, scaled, 32767).astype(np.int16)
        return (outputs[where].reshape(inputs[0].shape),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        multiplier, shift = quantize_multiplier(self.multiplier(graph, op))
        output = operand(graph, op.outputs[0])
        return (
            KernelCall(
                kernel="rsqrt_s16",
                params=(
                    ("row_elements", output.row_bytes // 2),
                    ("multiplier", multiplier),
                    ("shift", shift - rsqrt.SHIFT),
                ),
                inputs=(operand(graph, op.inputs[0]),),
                output=output,
                rows=output.rows,
                reads=(row_by_row(output.rows),),
            ),
        )

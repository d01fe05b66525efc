"""SOFTMAX over the last axis, int16; equals SoftmaxInt16 in reference/softmax.h.

Exponentials and the reciprocal of their sum come from tables of 513 entries, the same in every model.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinygen.fixedpoint import multiply_by_quantized_multiplier, quantize_multiplier
from tinygen.ir import Array, DType, Graph, Op
from tinygen.ops import softmax
from tinygen.ops.base import Constant, KernelCall, flat_operand, need_inputs, need_quantized, reject, row_by_row
from tinygen.ops.int16._lut import look_up, populate

_MOST_CLASSES = 1 << 16  # sums of Q0.15 numbers in 32 bits
_RANGE = np.float32(65535)


def _exp(x: Array) -> Array:
    """expf: the exponential, rounded once to float32."""
    return np.exp(x.astype(np.float64)).astype(np.float32)


def _scaled(numerator: float, steps: int) -> float:
    return float(np.float32(np.float32(numerator) / _RANGE) * np.float32(steps))


# exp on [-10, 0] and 1 / (1 + x) on [0, 1], outputs in 2/65535
_OUTPUT_SCALE = float(np.float32(2) / _RANGE)
EXP_TABLE = populate(_exp, _scaled(10, -32768 - 32767), _scaled(10, 0), _OUTPUT_SCALE, "float32")
RECIPROCAL_TABLE = populate(
    lambda x: np.float32(1) / (np.float32(1) + x), _scaled(1, 0), _scaled(1, 65535), _OUTPUT_SCALE, "float32"
)


class Softmax(softmax.Softmax):
    kind = "SOFTMAX"
    dtype = DType.INT16

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 1, 1)
        x, y = graph.required(op, 0), graph.output(op)
        need_quantized(op, self.dtype, x, y)
        if not x.shape or not 0 < x.shape[-1] < _MOST_CLASSES:
            raise reject(op, f"{x.shape[-1] if x.shape else 'no'} classes, 1 to {_MOST_CLASSES - 1} are supported")
        if abs(y.scale * 32768 - 1) > 0.001:
            raise reject(op, "the output must have the scale 1/32768 (TFLM asks for it too)")
        if not 2.0**-31 < self._real_multiplier(graph, op) < 2.0**14:
            raise reject(op, f"input scale {x.scale:g} is degenerate", "calibrate with real data")

    def _real_multiplier(self, graph: Graph, op: Op) -> float:
        """From input steps to 10/65535."""
        return graph.required(op, 0).scale * float(op.options.beta) / (10.0 / 65535.0)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        x = inputs[0].astype(np.int64)
        difference = x - x.max(axis=-1, keepdims=True)
        scaled = multiply_by_quantized_multiplier(difference, *quantize_multiplier(self._real_multiplier(graph, op)))
        exps = look_up(EXP_TABLE, np.clip(scaled + 32767, -32768, 32767))
        sums = exps.sum(axis=-1, keepdims=True)
        # the sum as 1 + a fraction, and how many bits it was moved
        headroom = 32 - np.array([int(s).bit_length() for s in sums.flat], np.int64).reshape(sums.shape)
        fraction = ((sums << (headroom - 1)) + (1 << 13)) >> 14
        reciprocal = look_up(RECIPROCAL_TABLE, np.clip(fraction - (1 << 15) - (1 << 16), -32768, 32767))
        shift = 31 - headroom
        result = (exps * reciprocal + (np.int64(1) << (shift - 1))) >> shift
        return (np.clip(result, 0, 32767).astype(np.int16),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        multiplier, shift = quantize_multiplier(self._real_multiplier(graph, op))
        depth = graph.output(op).shape[-1]
        return (
            KernelCall(
                kernel="softmax_s16",
                params=(
                    ("depth", depth),
                    ("multiplier", multiplier),
                    ("shift", shift),
                    ("exp_table", Constant("exp_table", EXP_TABLE)),
                    ("reciprocal_table", Constant("reciprocal_table", RECIPROCAL_TABLE)),
                ),
                inputs=(flat_operand(graph, op.inputs[0], depth),),
                output=flat_operand(graph, op.outputs[0], depth),
                rows=graph.output(op).elements // depth,
                reads=(row_by_row(graph.output(op).elements // depth),),
            ),
        )

"""CUMSUM along one axis, int8, exclusive, reverse; equals reference/cumsum.h.

TFLM starts each sum at minus the input's zero point instead of 0; so does this. Where its 32-bit sum leaves its
range (possible from 16 elements on), which C does not define, the sum goes on here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from tinygen.fixedpoint import quantize_multiplier
from tinygen.ir import Array, Graph, Op
from tinygen.ops._reduce import constant_axes
from tinygen.ops.base import KernelCall, Operand, Operator, Shape, need_inputs, need_int8, reject, row_by_row

_LEFT_SHIFT = 20
_LONGEST = 1 << 20  # so that a sum of steps of 2^19, and its product with a multiplier, fits 64 bits


@dataclass(frozen=True, slots=True)
class CumsumOptions:
    exclusive: bool
    reverse: bool


class Cumsum(Operator):
    kind = "CUMSUM"

    def parse(self, options: Any) -> CumsumOptions:
        return CumsumOptions(bool(options.exclusive), bool(options.reverse))

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 2, 2)
        x, y = graph.required(op, 0), graph.output(op)
        need_int8(op, x, y)
        if not x.shape or max(x.shape) > _LONGEST:
            raise reject(op, f"an input of the shape {x.shape}")
        if graph.required(op, 1).elements != 1:
            raise reject(op, "one axis expected")
        constant_axes(graph, op, len(x.shape))
        if 2 * x.scale >= (1 << _LEFT_SHIFT) * y.scale or self._multiplier(graph, op)[1] > 0:
            raise reject(op, "the output scale is too small against the input scale (TFLM aborts on it)")

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (graph.required(op, 0).shape,)

    def _axis(self, graph: Graph, op: Op) -> int:
        return constant_axes(graph, op, len(graph.required(op, 0).shape))[0]

    def _multiplier(self, graph: Graph, op: Op) -> tuple[int, int]:
        """(multiplier, shift) from 2^-19 input steps to output steps; the shift is <= 0."""
        return quantize_multiplier(2 * graph.required(op, 0).scale / ((1 << _LEFT_SHIFT) * graph.output(op).scale))

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        x, y = graph.required(op, 0), graph.output(op)
        axis = self._axis(graph, op)
        ordered = np.flip(inputs[0], axis) if op.options.reverse else inputs[0]
        offset = ordered.astype(np.int64) - x.zero_point
        sums = offset.cumsum(axis=axis) - x.zero_point
        if op.options.exclusive:
            sums -= offset
        multiplier, shift = self._multiplier(graph, op)
        # two roundings, halves away from zero, as multiply_by_quantized_multiplier of sums << 19, but in 64 bits
        magnitude = (np.abs(sums) * multiplier + (1 << 11) - (sums < 0)) >> 12
        scaled = np.sign(sums) * (magnitude + ((1 << -shift) >> 1) >> -shift) + y.zero_point
        out = np.clip(scaled, -128, 127).astype(np.int8)
        return (np.flip(out, axis) if op.options.reverse else out,)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        x, y = graph.required(op, 0), graph.output(op)
        axis = self._axis(graph, op)
        rows, elements, inner = prod(x.shape[:axis]), x.shape[axis], prod(x.shape[axis + 1 :])
        multiplier, shift = self._multiplier(graph, op)
        return (
            KernelCall(
                kernel="cumsum_s8",
                params=(
                    ("elements", elements),
                    ("inner", inner),
                    ("exclusive", int(op.options.exclusive)),
                    ("reverse", int(op.options.reverse)),
                    ("input_zero_point", x.zero_point),
                    ("output_zero_point", y.zero_point),
                    ("multiplier", multiplier),
                    ("shift", shift),
                ),
                inputs=(Operand(op.inputs[0], 1, rows, elements * inner),),
                output=Operand(op.outputs[0], 1, rows, elements * inner),
                rows=rows,
                reads=(row_by_row(rows),),
            ),
        )

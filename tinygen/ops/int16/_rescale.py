"""Functions of one int16 element that are a line on either side of 0, and QUANTIZE between int8 and int16.

One kernel serves them all: a multiplier for steps >= 0, another one for those below, then a clamp.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinygen.fixedpoint import multiply_by_quantized_multiplier
from tinygen.ir import Array, Graph, Op
from tinygen.ops.base import KernelCall, Operator, Shape, operand, row_by_row

LARGEST_SHIFT = 15  # of a multiplier: an int16 shifted left by so much stays in 32 bits
ONE = (1 << 30, 1)  # the multiplier that changes nothing


@dataclass(frozen=True, slots=True)
class Rescaling:
    """(multiplier, shift) of steps >= 0 and of those below, and the limits of the output, zero point included.

    A step n < 0 becomes out * multiply(into * n), for halves are not rounded alike on both sides of 0.
    """

    positive: tuple[int, int]
    negative: tuple[int, int]
    limits: tuple[int, int]
    into: int = 1
    out: int = 1


class Rescaler(Operator):
    """Base of these operators; not an operator itself."""

    @abstractmethod
    def rescaling(self, graph: Graph, op: Op) -> Rescaling:
        """What becomes of an element."""

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (graph.required(op, 0).shape,)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        r, y = self.rescaling(graph, op), graph.output(op)
        steps = inputs[0].astype(np.int64) - graph.required(op, 0).zero_point
        positive = multiply_by_quantized_multiplier(steps, *r.positive)
        negative = r.out * multiply_by_quantized_multiplier(r.into * steps, *r.negative)
        scaled = np.where(steps >= 0, positive, negative) + y.zero_point
        return (np.clip(scaled, *r.limits).astype(y.dtype.value),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        r, x, y = self.rescaling(graph, op), graph.required(op, 0), graph.output(op)
        source = operand(graph, op.inputs[0])
        return (
            KernelCall(
                kernel="rescale_16",
                params=(
                    ("row_elements", source.row_bytes // x.dtype.size),
                    ("input_bytes", x.dtype.size),
                    ("output_bytes", y.dtype.size),
                    ("input_zero_point", x.zero_point),
                    ("output_zero_point", y.zero_point),
                    ("multiplier", r.positive[0]),
                    ("shift", r.positive[1]),
                    ("negative_multiplier", r.negative[0]),
                    ("negative_shift", r.negative[1]),
                    ("sign_into", r.into),
                    ("sign_out", r.out),
                    ("lowest", r.limits[0]),
                    ("highest", r.limits[1]),
                ),
                inputs=(source,),
                output=operand(graph, op.outputs[0]),
                rows=source.rows,
                reads=(row_by_row(source.rows),),
            ),
        )

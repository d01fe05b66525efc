"""MEAN over any axes, int8; equals QuantizedMeanOrSum in reference/reduce.h."""

from __future__ import annotations

from tinygen.ir import Graph, Op
from tinygen.ops._reduce import reduced_axes, reduced_count
from tinygen.ops.base import KernelCall, Operand, operand, row_by_row
from tinygen.ops.sum import Sum


class Mean(Sum):
    """The axes are constant; 1 to 5 dimensions, with or without keep_dims."""

    kind = "MEAN"
    hw_kernel = "mean_hw_s8"

    def multiplier(self, graph: Graph, op: Op) -> tuple[int, int]:
        """The output multiplier with 1 / count in it; not renormalised, as TFLM has it."""
        multiplier, shift = super().multiplier(graph, op)
        count = reduced_count(graph, op)
        extra = min(count.bit_length() - 1, 32, 31 + shift)
        return (multiplier << extra) // count, shift - extra

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        x = graph.required(op, 0)
        if len(x.shape) != 4 or reduced_axes(graph, op) != (1, 2):
            return super().lower(graph, op)
        images, height, width, channels = x.shape
        geometry = (("input_height", height), ("input_width", width), ("channels", channels))
        return (
            KernelCall(
                kernel=self.hw_kernel,  # takes the input row by row
                params=(*geometry, *self.params(graph, op)),
                inputs=(operand(graph, op.inputs[0]),),
                output=Operand(op.outputs[0], images, 1, channels * x.dtype.size),
                rows=height,
                carry_bytes=4 * channels,
                reads=(row_by_row(height),),
            ),
        )

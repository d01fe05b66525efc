"""BATCH_MATMUL, int8, adj_x, adj_y, up to 5 dimensions with broadcasting; equals reference/batch_matmul.h.

Each operand may be constant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from tinygen.fixedpoint import quantize_multiplier
from tinygen.ir import Array, Graph, Op
from tinygen.ops._requantize import exact_matmul, need_multiplier, requantize
from tinygen.ops.base import KernelCall, Operand, Operator, Shape, need_inputs, need_quantized, reject

_LONGEST = 1 << 15  # products of two steps of 255 each, so that their sum stays in 32 bits


@dataclass(frozen=True, slots=True)
class BatchMatmulOptions:
    adj_x: bool
    adj_y: bool


def _swapped(shape: Shape, adjoint: bool) -> Shape:
    return (*shape[:-2], shape[-1], shape[-2]) if adjoint else shape


class BatchMatmul(Operator):
    kind = "BATCH_MATMUL"
    kernel = "batch_matmul_s8"
    largest_shift = 30

    def parse(self, options: Any) -> BatchMatmulOptions:
        return BatchMatmulOptions(bool(options.adjX), bool(options.adjY))

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 2, 2)
        a, b, y = graph.required(op, 0), graph.required(op, 1), graph.output(op)
        need_quantized(op, self.dtype, a, b, y)
        self.need_shapes(graph, op)
        if self._shapes(graph, op)[0][4] >= _LONGEST:
            raise reject(op, f"{a.shape} times {b.shape}: sums could leave 32 bits")
        need_multiplier(op, self.real_multiplier(graph, op), self.largest_shift)

    def need_shapes(self, graph: Graph, op: Op) -> None:
        """Raise unless the operands' shapes fit."""
        a, b = graph.required(op, 0), graph.required(op, 1)
        if not all(2 <= len(t.shape) <= 5 for t in (a, b)):
            raise reject(op, f"{a.shape} times {b.shape}: 2 to 5 dimensions expected")
        left, right = self._shapes(graph, op)
        fit = all(m == n or 1 in (m, n) for m, n in zip(left[:3], right[:3], strict=True))
        if not fit or left[4] != right[3] or left[4] == 0:
            raise reject(op, f"{a.shape} times {b.shape} with {op.options} does not fit")

    def _shapes(self, graph: Graph, op: Op) -> tuple[Shape, Shape]:
        """Both operands as (batch, batch, batch, rows, columns) of the matrices that are multiplied."""
        pair = ((graph.required(op, 0), op.options.adj_x), (graph.required(op, 1), op.options.adj_y))
        left, right = ((1,) * (5 - len(t.shape)) + _swapped(t.shape, adjoint) for t, adjoint in pair)
        return left, right

    def _batches(self, graph: Graph, op: Op) -> Shape:
        left, right = self._shapes(graph, op)
        return tuple(n if m == 1 else m for m, n in zip(left[:3], right[:3], strict=True))

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        left, right = self._shapes(graph, op)
        rank = max(len(graph.required(op, i).shape) for i in (0, 1))
        return ((*self._batches(graph, op), left[3], right[4])[5 - rank :],)

    def real_multiplier(self, graph: Graph, op: Op) -> float:
        """TFLM before autumn 2026 took the product of the input scales in float32."""
        return graph.required(op, 0).scale * graph.required(op, 1).scale / graph.output(op).scale

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        left, right = (inputs[i].astype(np.int64) - graph.required(op, i).zero_point for i in (0, 1))
        left = left.swapaxes(-1, -2) if op.options.adj_x else left
        right = right.swapaxes(-1, -2) if op.options.adj_y else right
        return (self.output_stage(graph, op, exact_matmul(left, right)),)

    def multiplier(self, graph: Graph, op: Op) -> tuple[int, int]:
        """(multiplier, shift) of the output stage, as the kernel has them in its params."""
        return quantize_multiplier(self.real_multiplier(graph, op))

    def output_stage(self, graph: Graph, op: Op, accumulators: Array) -> Array:
        multiplier, shift = (np.array(v) for v in self.multiplier(graph, op))
        return requantize(accumulators, multiplier, shift, graph.output(op).zero_point, (-128, 127))

    def geometry(self, graph: Graph, op: Op) -> tuple[int, tuple[tuple[str, int], ...]]:
        """(output rows, the params with which both kernels of it begin)."""
        left, right = self._shapes(graph, op)
        batches = self._batches(graph, op)
        # rows and columns of the operand as it lies in memory are exchanged by adj_x and adj_y
        left_steps = (1, left[3]) if op.options.adj_x else (left[4], 1)
        right_steps = (1, right[3]) if op.options.adj_y else (right[4], 1)
        return prod(batches) * left[3], (
            ("rows", left[3]),
            ("depth", left[4]),
            ("columns", right[4]),
            ("batch1", batches[1]),
            ("batch2", batches[2]),
            *_batch_steps("left", left),
            ("left_row_step", left_steps[0]),
            ("left_depth_step", left_steps[1]),
            *_batch_steps("right", right),
            ("right_depth_step", right_steps[0]),
            ("right_column_step", right_steps[1]),
        )

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        a, b, y = graph.required(op, 0), graph.required(op, 1), graph.output(op)
        multiplier, shift = self.multiplier(graph, op)
        rows, geometry = self.geometry(graph, op)
        return (
            KernelCall(
                kernel=self.kernel,
                params=(
                    *geometry,
                    ("left_zero_point", a.zero_point),
                    ("right_zero_point", b.zero_point),
                    ("output_zero_point", y.zero_point),
                    ("multiplier", multiplier),
                    ("shift", shift),
                ),
                inputs=(Operand(op.inputs[0], 1, 1, a.nbytes), Operand(op.inputs[1], 1, 1, b.nbytes)),
                output=Operand(op.outputs[0], 1, rows, y.shape[-1] * y.dtype.size),
                rows=rows,
            ),
        )

    def macs(self, graph: Graph, op: Op) -> int:
        return graph.output(op).elements * self._shapes(graph, op)[0][4]


def _batch_steps(name: str, shape: Shape) -> tuple[tuple[str, int], ...]:
    """Elements from one matrix to the next along each batch axis, 0 where it is repeated."""
    return tuple((f"{name}_step{i}", prod(shape[i + 1 :]) if shape[i] > 1 else 0) for i in range(3))

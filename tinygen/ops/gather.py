"""GATHER with axis and batch_dims, any element type; equals TFLM's gather.cc."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from tinygen.ir import Array, Graph, Op
from tinygen.ops._gather import gather_call, need_computed_indices
from tinygen.ops._index import IndexAxis, index_calls
from tinygen.ops._movement import integers, may_alias, need_axis, need_integers, need_operands, need_same_values
from tinygen.ops.base import KernelCall, Operator, Shape, reject


@dataclass(frozen=True, slots=True)
class GatherOptions:
    axis: int
    batch_dims: int


class Gather(Operator):
    """Indices are constant, or computed int32 (token numbers that go into an embedding): then one that points outside
    picks the nearest element, where TFLM reads whatever lies there.
    """

    kind = "GATHER"

    def parse(self, options: Any) -> GatherOptions:
        return GatherOptions(int(options.axis), int(options.batchDims))

    def check(self, graph: Graph, op: Op) -> None:
        need_operands(graph, op, 2)
        x, indices = graph.required(op, 0), graph.required(op, 1)
        need_same_values(op, x, graph.output(op))
        axis, rank = need_axis(op, op.options.axis, len(x.shape)), len(indices.shape)
        batch = op.options.batch_dims + (rank if op.options.batch_dims < 0 else 0)
        if not 0 <= batch <= min(axis, rank) or x.shape[:batch] != indices.shape[:batch]:
            raise reject(op, f"batch_dims {op.options.batch_dims} for {x.shape} and indices {indices.shape}")
        if indices.data is None:
            return need_computed_indices(op, indices)
        values = need_integers(graph, op, 1, "the indices")
        if not values or not 0 <= min(values) <= max(values) < x.shape[axis]:
            raise reject(op, f"indices out of range for axis {axis} of {x.shape}")

    def _axes(self, graph: Graph, op: Op) -> tuple[int, int]:
        """(axis, batch_dims), both counted from the front."""
        axis, batch = op.options.axis, op.options.batch_dims
        rank = len(graph.required(op, 1).shape)
        return axis % len(graph.required(op, 0).shape), batch + rank if batch < 0 else batch

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        axis, batch = self._axes(graph, op)
        x, indices = graph.required(op, 0).shape, graph.required(op, 1).shape
        return ((*x[:axis], *indices[batch:], *x[axis + 1 :]),)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        (axis, batch), x, indices = self._axes(graph, op), inputs[0], inputs[1]
        count = prod(x.shape[:batch])
        each = x.reshape(count, *x.shape[batch:])
        wanted = indices.reshape(count, *indices.shape[batch:])
        picked = [np.take(part, i, axis - batch, mode="clip") for part, i in zip(each, wanted, strict=True)]
        return (np.stack(picked).reshape(graph.output(op).shape),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        (axis, batch), x = self._axes(graph, op), graph.required(op, 0)
        if graph.required(op, 1).data is None:
            inside, groups = prod(x.shape[axis + 1 :]), prod(x.shape[batch:axis])
            return (gather_call(graph, op, op.inputs[0], op.inputs[1], inside, (1,), x.shape[axis], groups),)
        values = integers(graph, op, 1)
        size = prod(x.shape[axis + 1 :]) * x.dtype.size
        groups, outer, length = prod(x.shape[:batch]), prod(x.shape[batch:axis]), x.shape[axis]
        inner = IndexAxis(range(prod(x.shape[axis + 1 :])), x.dtype.size)
        if groups == 1:
            axes = (IndexAxis(range(outer), length * size), IndexAxis(values, size), inner)
        else:  # the index depends on the batch too: one table over everything outside
            each = len(values) // groups
            table = [
                (g * outer + o) * length + values[g * each + i]
                for g in range(groups)
                for o in range(outer)
                for i in range(each)
            ]
            axes = (IndexAxis((0,), 0), IndexAxis(tuple(table), size), inner)
        return index_calls(graph, op.inputs[0], op.outputs[0], axes, may_alias(graph, op))

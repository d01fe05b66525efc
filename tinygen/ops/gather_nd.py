"""GATHER_ND: slices picked by indices of several numbers, any element type; equals TFLM's gather_nd.cc."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from tinygen.ir import Array, Graph, Op
from tinygen.ops._gather import DEPTH, gather_call, nearest, need_computed_indices
from tinygen.ops._index import IndexAxis, index_calls
from tinygen.ops._movement import may_alias, need_integers, need_operands, need_same_values
from tinygen.ops.base import KernelCall, Operator, Shape, reject


class GatherNd(Operator):
    """Indices are constant, or computed int32. As in TFLM a number may point outside of its own axis as long as the
    slice lies in the tensor; where TFLM stops with an error, the nearest slice is picked.
    """

    kind = "GATHER_ND"

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_operands(graph, op, 2)
        x, indices = graph.required(op, 0), graph.required(op, 1)
        need_same_values(op, x, graph.output(op))
        if not indices.shape or not 1 <= indices.shape[-1] <= min(DEPTH, len(x.shape)):
            raise reject(op, f"indices {indices.shape} into {x.shape}: 1 to {DEPTH} numbers for each expected")
        if indices.data is None:
            return need_computed_indices(op, indices)
        if not need_integers(graph, op, 1, "the indices"):
            raise reject(op, "no indices")
        places = indices.data.reshape(-1, indices.shape[-1]).astype(np.int64)
        if (places < 0).any() or (places >= np.array(x.shape[: indices.shape[-1]])).any():
            raise reject(op, f"indices out of range for {x.shape}")

    def _steps(self, graph: Graph, op: Op) -> tuple[int, ...]:
        """For each number of an index, slices from one to the next."""
        shape = graph.required(op, 0).shape[: graph.required(op, 1).shape[-1]]
        return tuple(prod(shape[i + 1 :]) for i in range(len(shape)))

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        x, indices = graph.required(op, 0).shape, graph.required(op, 1).shape
        return ((*indices[:-1], *x[indices[-1] :]),)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        x, indices = inputs
        slices = x.reshape(-1, *x.shape[indices.shape[-1] :])
        return (slices[nearest(indices, self._steps(graph, op), len(slices))],)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        x, indices, steps = graph.required(op, 0), graph.required(op, 1), self._steps(graph, op)
        size, rows = prod(x.shape[len(steps) :]), prod(x.shape[: len(steps)])
        if indices.data is None:
            return (gather_call(graph, op, op.inputs[0], op.inputs[1], size, steps, rows),)
        picked = nearest(indices.data.reshape(-1, len(steps)), steps, rows)
        axes = (IndexAxis(tuple(picked.tolist()), size * x.dtype.size), IndexAxis(range(size), x.dtype.size))
        return index_calls(graph, op.inputs[0], op.outputs[0], axes, may_alias(graph, op))

"""EMBEDDING_LOOKUP: rows of a table picked by int32 numbers, any element type; equals TFLM's embedding_lookup.cc."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from tinygen.ir import Array, Graph, Op
from tinygen.ops._gather import gather_call, nearest, need_computed_indices
from tinygen.ops._movement import need_operands, need_same_values
from tinygen.ops.base import KernelCall, Operator, Shape, reject


class EmbeddingLookup(Operator):
    """Table and result are of one type and quantization. A number that points outside picks the nearest row, where
    TFLM stops with an error.
    """

    kind = "EMBEDDING_LOOKUP"

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_operands(graph, op, 2)
        numbers, table = graph.required(op, 0), graph.required(op, 1)
        need_same_values(op, table, graph.output(op))
        need_computed_indices(op, numbers)
        if len(numbers.shape) != 1 or len(table.shape) < 2:
            raise reject(op, f"numbers {numbers.shape} for a table {table.shape}")

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return ((*graph.required(op, 0).shape, *graph.required(op, 1).shape[1:]),)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        numbers, table = inputs
        return (np.asarray(table[nearest(numbers[:, None], (1,), len(table))]),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        shape = graph.required(op, 1).shape
        return (gather_call(graph, op, op.inputs[1], op.inputs[0], prod(shape[1:]), (1,), shape[0]),)

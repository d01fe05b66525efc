"""BROADCAST_TO goes where all who read it repeat their operands themselves.

Exact: the same elements meet; nothing is computed in between.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinygen.errors import TinygenError
from tinygen.ir import Graph, Op
from tinygen.ops import operator_for
from tinygen.passes._rewrite import readers, without

_BROADCASTING = (
    *("ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE"),
    *("EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "LOGICAL_AND", "LOGICAL_OR"),
)


def drop_broadcasts(graph: Graph) -> Graph:
    """The graph without BROADCAST_TO in front of operators that can do without it."""
    for output in [op.outputs[0] for op in graph.ops if op.kind == "BROADCAST_TO"]:
        op = next(op for op in graph.ops if op.outputs[0] == output)
        found = readers(graph, output)
        if found and output not in graph.outputs and all(_does_without(graph, op, reader) for reader in found):
            graph = without(graph, {op: op.inputs[0]})
    return graph


def _does_without(graph: Graph, op: Op, reader: Op) -> bool:
    """Whether a reader has the same result for the tensor that BROADCAST_TO reads."""
    if reader.kind not in _BROADCASTING:
        return False
    inputs = tuple(op.inputs[0] if i == op.outputs[0] else i for i in reader.inputs)
    shapes = [graph.tensors[i].shape for i in inputs]
    if np.broadcast_shapes(*shapes) != graph.output(reader).shape:
        return False
    try:
        operator_for(graph, reader).check(graph, replace(reader, inputs=inputs))
    except TinygenError:  # more dimensions than the operator walks
        return False
    return True

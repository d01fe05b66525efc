"""Unary operators on bytes behind one another become one table: the functions are composed here."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinygen.ir import Array, Graph, Op
from tinygen.ops import operator_for
from tinygen.ops._table import BYTES, TableOperator
from tinygen.ops.table import TableOptions
from tinygen.passes._rewrite import only_reader


def merge_tables(graph: Graph) -> Graph:
    """The graph with each chain of table operators, read by nobody else in between, as one TABLE operator."""
    ops = list(graph.ops)
    position = 0
    while position < len(ops):
        op = ops[position]
        current = replace(graph, ops=tuple(ops))
        following = only_reader(current, op.outputs[0]) if len(op.outputs) == 1 else None
        if following is not None and _is_table(current, op) and _is_table(current, following):
            composed = _table(current, following)[_table(current, op).astype(np.int64) + 128]
            name = f"{op.name} + {following.name}"
            options = TableOptions(tuple(composed.tolist()))
            ops[ops.index(following)] = Op("TABLE", name, options, op.inputs, following.outputs)
            ops.remove(op)
        else:
            position += 1
    return replace(graph, ops=tuple(ops))


def _is_table(graph: Graph, op: Op) -> bool:
    return isinstance(operator_for(graph, op), TableOperator) and graph.required(op, 0).dtype in BYTES


def _table(graph: Graph, op: Op) -> Array:
    operator = operator_for(graph, op)
    assert isinstance(operator, TableOperator)
    return operator.table(graph, op)

"""READ_VARIABLE need not copy where the variable changes only after the last use of what was read.

Exact: whoever reads the copy finds the same bytes in the variable. This pass comes last: it looks at the order of
the operators, and at which of them make another view of the same memory.
"""

from __future__ import annotations

from dataclasses import replace

from tinygen.ir import Graph, Op
from tinygen.ops import operator_for
from tinygen.ops.read_variable import ReadOptions


def read_in_place(graph: Graph) -> Graph:
    """The graph with READ_VARIABLE as another name of its variable wherever that is the same."""
    ops = (
        replace(op, options=ReadOptions(in_place=True)) if op.kind == "READ_VARIABLE" and _is_safe(graph, n) else op
        for n, op in enumerate(graph.ops)
    )
    return replace(graph, ops=tuple(ops))


def _is_safe(graph: Graph, position: int) -> bool:
    op = graph.ops[position]
    variable, names, changed = op.inputs[0], {op.outputs[0]}, False
    for later in graph.ops[position + 1 :]:
        changed = changed or variable in later.outputs
        if names & set(later.inputs):
            if changed:
                return False
            if _is_view(graph, later):
                names.add(later.outputs[0])
    return not names & set(graph.outputs)


def _is_view(graph: Graph, op: Op) -> bool:
    return not operator_for(graph, op).lower(graph, op)

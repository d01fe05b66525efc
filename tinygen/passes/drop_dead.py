"""Operators whose outputs nobody reads are taken out."""

from __future__ import annotations

from dataclasses import replace

from tinygen.ir import Graph


def drop_dead(graph: Graph) -> Graph:
    """The graph with only the operators that an output of the model depends on, in this inference or a later one."""
    needed = set(graph.outputs) | set(graph.variables)
    kept = []
    for op in reversed(graph.ops):
        if needed & set(op.outputs):
            kept.append(op)
            needed |= set(op.inputs)
    return replace(graph, ops=tuple(reversed(kept)))

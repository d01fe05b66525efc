"""Operators whose outputs nobody reads are taken out."""

from __future__ import annotations

from dataclasses import replace

from tinygen.ir import Graph


def drop_dead(graph: Graph) -> Graph:
    """The graph with only the operators that an output of the model depends on."""
    needed = set(graph.outputs)
    kept = []
    for op in reversed(graph.ops):
        if needed & set(op.outputs):
            kept.append(op)
            needed |= set(op.inputs)
    return replace(graph, ops=tuple(reversed(kept)))

"""What the passes share: who reads a tensor, and a graph with some operators taken out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tinygen.ir import Graph, Op


def readers(graph: Graph, tensor: int) -> tuple[Op, ...]:
    """The operators that read a tensor."""
    return tuple(op for op in graph.ops if tensor in op.inputs)


def only_reader(graph: Graph, tensor: int) -> Op | None:
    """The operator that alone reads a tensor; None when there are several, or it is an output of the model."""
    found = readers(graph, tensor)
    return found[0] if len(found) == 1 and tensor not in graph.outputs else None


def without(graph: Graph, dropped: Mapping[Op, int]) -> Graph:
    """The graph without some operators of one output; who read the output reads the tensor given instead."""
    instead = {op.outputs[0]: tensor for op, tensor in dropped.items()}

    def final(tensor: int) -> int:
        while tensor in instead:
            tensor = instead[tensor]
        return tensor

    kept = (op for op in graph.ops if op not in dropped)
    return replace(graph, ops=tuple(replace(op, inputs=tuple(map(final, op.inputs))) for op in kept))

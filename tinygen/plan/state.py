"""Where variables lie: in a memory of their own, which lives from one inference to the next."""

from __future__ import annotations

from tinygen.ir import Graph
from tinygen.plan.timeline import aligned


def state_offsets(graph: Graph) -> dict[int, int]:
    """The offset of every variable in the state memory, in bytes."""
    offsets, end = {}, 0
    for tensor in graph.variables:
        offsets[tensor] = end
        end += aligned(graph.tensors[tensor].nbytes)
    return offsets


def state_bytes(graph: Graph) -> int:
    """The size of the state memory, 0 without variables."""
    return max((offset + graph.tensors[t].nbytes for t, offset in state_offsets(graph).items()), default=0)

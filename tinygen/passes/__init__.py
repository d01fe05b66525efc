"""Rewrites of the Graph, in order; each keeps the outputs to the bit and is verified."""

from __future__ import annotations

from collections.abc import Callable

from tinygen.ir import Graph
from tinygen.passes.fold_constants import fold_constants
from tinygen.verify import verify

PASSES: tuple[Callable[[Graph], Graph], ...] = (fold_constants,)


def run_passes(graph: Graph) -> Graph:
    """The graph after all passes."""
    for rewrite in PASSES:
        graph = verify(rewrite(graph))
    return graph

"""Rewrites of the Graph, in order; each keeps the outputs to the bit and is verified."""

from __future__ import annotations

from collections.abc import Callable

from tinygen.ir import Graph
from tinygen.passes.drop_dead import drop_dead
from tinygen.passes.drop_identities import drop_identities
from tinygen.passes.fold_constants import fold_constants
from tinygen.passes.fold_pad import fold_pad
from tinygen.passes.merge_tables import merge_tables
from tinygen.passes.read_in_place import read_in_place
from tinygen.verify import verify

PASSES: tuple[Callable[[Graph], Graph], ...] = (
    fold_constants,
    drop_identities,
    drop_dead,
    fold_pad,
    merge_tables,
    read_in_place,
)


def run_passes(graph: Graph) -> Graph:
    """The graph after all passes."""
    for rewrite in PASSES:
        graph = verify(rewrite(graph))
    return graph

"""Rewrites of the Graph, in order; each keeps the outputs to the bit and is verified."""

from __future__ import annotations

from collections.abc import Callable

from tinygen.ir import Graph
from tinygen.passes.drop_broadcasts import drop_broadcasts
from tinygen.passes.drop_dead import drop_dead
from tinygen.passes.drop_identities import drop_identities
from tinygen.passes.fold_constants import fold_constants
from tinygen.passes.fold_islands import fold_islands
from tinygen.passes.fold_pad import fold_pad
from tinygen.passes.fold_upsampling import fold_upsampling
from tinygen.passes.merge_concatenations import merge_concatenations
from tinygen.passes.merge_tables import merge_tables
from tinygen.passes.move_dequantize import move_dequantize
from tinygen.passes.pad_behind_reshape import pad_behind_reshape
from tinygen.passes.read_in_place import read_in_place
from tinygen.passes.turn_upright import turn_upright
from tinygen.verify import verify

PASSES: tuple[Callable[[Graph], Graph], ...] = (
    fold_constants,
    move_dequantize,
    drop_identities,
    fold_islands,
    drop_broadcasts,
    drop_dead,
    merge_concatenations,
    fold_upsampling,
    pad_behind_reshape,
    fold_pad,
    merge_tables,
    turn_upright,
    read_in_place,
)


def run_passes(graph: Graph) -> Graph:
    """The graph after all passes."""
    for rewrite in PASSES:
        graph = verify(rewrite(graph))
    return graph

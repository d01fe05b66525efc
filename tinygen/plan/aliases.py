"""Pieces in their place: what CONCATENATION and its like would only copy is made where it is to lie.

Place in the flow: first in plan/. A copy of bytes that lie together is needless when its source can live in its target
(the inputs of CONCATENATION and PACK along the outermost axis that is not 1), or its target in its source (the outputs
of SPLIT, UNPACK, SLICE). Whoever else uses the one or the other finds the same bytes, since every tensor is written by
one operator and never changed. Not so constants and variables, which lie elsewhere, and a tensor can live in one place
only: what is left of a concatenation is copied.

A tensor in pieces is a ring no more, so there may be a smaller schedule in which they are copied row by row: the
planner looks at both.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from tinygen.kernels import Program, Step
from tinygen.kernelsets import PORTABLE

_ALIGNMENT = 4  # of a tensor, for kernels that read words


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes [first, end) of a tensor that has memory of its own."""

    root: int
    first: int
    end: int

    @property
    def nbytes(self) -> int:
        return self.end - self.first


def in_place(program: Program) -> Program:
    """The program without the copies that are needless where tensors live in one another; itself if there are none."""
    lives: dict[int, tuple[int, int]] = {}  # in which tensor, and at which byte

    def where(tensor: int) -> tuple[int, int]:
        root, first = program.storage[tensor], program.offsets[tensor] if program.offsets else 0
        while root in lives:
            root, first = lives[root][0], first + lives[root][1]
        return root, first

    unit = 1 if program.target.kernels == PORTABLE.kernels else _ALIGNMENT
    saved: dict[Step, None] = {}
    for step in _movers(program):
        assert step.call.moves is not None
        of, to, count = step.call.moves
        (source, s), (target, t) = where(step.call.inputs[0].tensor), where(step.call.output.tensor)
        if source == target or not all(map(program.in_arena, (source, target))) or (t + to - s - of) % unit:
            continue
        if (s, of, count) == (0, 0, program.graph.tensors[source].nbytes):
            lives[source] = target, t + to
        elif (t, to, count) == (0, 0, program.graph.tensors[target].nbytes):
            lives[target] = source, s + of
        else:
            continue
        saved[step] = None
    if not saved:
        return program
    roots, offsets = zip(*map(where, range(len(program.storage))), strict=True)
    left = tuple(step for step in program.steps if step not in saved)
    return replace(program, steps=left, storage=roots, offsets=offsets, saved=(*program.saved, *saved))


def _movers(program: Program) -> Iterator[Step]:
    """The copies of bytes that lie together, of operators that do nothing else."""
    for _, members in groupby(program.steps, key=lambda step: id(step.op)):
        steps = tuple(members)
        if all(step.call.moves for step in steps):
            yield from steps


def pieces_of(program: Program) -> tuple[tuple[Piece, ...], ...]:
    """Each tensor as the pieces that it consists of, in order: all tensors are cut at the ends of all."""
    spans = [program.span(tensor) for tensor in range(len(program.storage))]
    cuts: dict[int, set[int]] = {}
    for root, first, end in spans:
        cuts.setdefault(root, set()).update((first, end))
    edges = {root: sorted(found) for root, found in cuts.items()}
    return tuple(
        tuple(Piece(root, a, b) for a, b in pairwise(edges[root][bisect_left(edges[root], first) :]) if b <= end)
        for root, first, end in spans
    )

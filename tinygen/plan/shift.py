"""How each tensor's rows move up when the window moves on by a hop.

Place in the flow: for plan/hop.py. All follows from what the kernels say that they read. A row that no edge of the
window touches is made of the same frames as a row further down one hop before, in the same way, so it has the same
value. A row is touched if its own window reaches beyond its input, or if it is made of a touched row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tinygen.ir import Array
from tinygen.kernels import Program
from tinygen.ops.base import KernelCall, Operand, Reads


@dataclass(frozen=True, slots=True)
class Shift:
    """The `unit` rows of a tensor, of which `top` and `bottom` are touched; the others move up by `by` with each hop.

    With by = 0 none do: every row is made anew.
    """

    unit: Operand
    by: int
    top: int = 0
    bottom: int = 0

    @property
    def old(self) -> slice:
        """The rows that were there one hop before, `by` rows further down."""
        return slice(self.top, max(self.top, self.unit.rows - self.bottom - self.by)) if self.by else slice(0, 0)

    @property
    def new(self) -> slice:
        """The rows that a hop adds to those that are not touched."""
        return slice(max(self.unit.rows - self.bottom - self.by, 0), self.unit.rows - self.bottom)


def shifts_of(program: Program, source: int, frames: Operand, hop: int) -> dict[int, Shift]:
    """The shift of every tensor that is no constant, by the tensor whose memory it is.

    source: the model's input, of which `frames` says what a frame is; `hop` of them are new each time.
    """
    found = {source: Shift(frames, hop)}
    for step in program.steps:
        root, made = program.storage[step.call.output.tensor], _made(program, found, step.call)
        known = found.get(root)
        found[root] = made if known is None else _together(known, made)
    return found


def _together(a: Shift, b: Shift) -> Shift:
    """Of a tensor that two calls write, each a part of it."""
    if a.by != b.by or a.unit != b.unit:
        return Shift(a.unit, 0)
    return Shift(a.unit, a.by, max(a.top, b.top), max(a.bottom, b.bottom))


def _made(program: Program, found: Mapping[int, Shift], call: KernelCall) -> Shift:
    anew = Shift(call.output, 0)
    if call.gathers or call.carry_bytes or call.output.images > 1:
        return anew
    tops, bottoms = [0], [0]
    moved: list[tuple[Array, int]] = []
    for index, operand in enumerate(call.inputs):
        if program.graph.tensors[operand.tensor].data is not None:
            if operand.rows > 1:
                return anew  # each row has its own
            continue
        reads, shift = call.reads_of(index), found[program.storage[operand.tensor]]
        by, rest = divmod(shift.by * shift.unit.row_bytes, operand.row_bytes)
        if reads.edges is None or operand.images > 1 or rest or not by:
            return anew
        top, bottom = _touched(reads, operand, shift)
        tops.append(top)
        bottoms.append(bottom)
        moved.append((np.array([reads.first, reads.last]), by))
    top, bottom = max(tops), max(bottoms)
    inside = [(spans[:, top : call.rows - bottom], by) for spans, by in moved]
    for rows in range(1, call.rows - top - bottom) if inside else ():
        if all((spans[:, rows:] == spans[:, :-rows] + by).all() for spans, by in inside):
            return Shift(call.output, rows, top, bottom)
    return anew


def _touched(reads: Reads, operand: Operand, shift: Shift) -> tuple[int, int]:
    """How many rows at the top and at the bottom an edge touches, be it through a touched row of the input."""
    assert reads.edges is not None
    first, last = np.array(reads.first), np.array(reads.last)
    above = -(-shift.top * shift.unit.row_bytes // operand.row_bytes)
    below = -(-shift.bottom * shift.unit.row_bytes // operand.row_bytes)
    top = np.flatnonzero((first < last) & (first < above))
    bottom = np.flatnonzero((first < last) & (last > operand.rows - below))
    of_top = max(int(top[-1]) + 1 if len(top) else 0, reads.edges[0])
    return of_top, max(len(first) - int(bottom[0]) if len(bottom) else 0, reads.edges[1])

"""The schedule: which rows of which step are computed when.

Place in the flow: plan/search.py chooses the segments; plan/timeline.py replays them into lifetimes, render/ prints
them as loops. A segment is a run of steps. A segment of one step computes it whole; a longer one is streamed: `height`
rows of its input tensor at a time are pushed through all its steps, each of which computes the rows that can be made
of what is there by then. So no row is computed twice, and between two steps of a segment a few rows are enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tinygen.ir import Array
from tinygen.kernels import Program
from tinygen.ops.base import Operand, Reads

DRIVER = -1
_LARGEST_RATIO = 16


@dataclass(frozen=True, slots=True)
class Ready:
    """How many rows of a step can be made of the first `got` rows of a source; the C function tg_ready.

    (got * multiply + add) / divide, at least 0; with divide = 0 it takes all of the source's rows, `add`, to make all
    `multiply` rows at once. `source` is the step that makes the source, or DRIVER for the segment's input.

    Rows are counted on beyond the end of each tensor, as if it went on: so what padding lets a step make of the last
    rows comes bit by bit, too, and not all in one turn.
    """

    source: int
    multiply: int
    add: int
    divide: int

    def __call__(self, got: int) -> int:
        if not self.divide:
            return self.multiply if got >= self.add else 0
        return max(got * self.multiply + self.add, 0) // self.divide


@dataclass(frozen=True, slots=True)
class Segment:
    """Steps [first, end). height: rows of tensor `driver` per turn, 0 for a single step that is computed whole.

    ranges: of such a single step only these rows are computed, [y0, y1) each; the others are kept (plan/hop.py).

    pushed: the driver is the model's input, and is not there: the caller brings its rows, one for each turn.
    backwards: a single step that is computed from its last rows to its first, so many at a time. Its output may move
    in over its input from above, as that of a step that runs forwards does from below.
    """

    first: int
    end: int
    height: int = 0
    driver: int = DRIVER
    ready: tuple[tuple[Ready, ...], ...] = ()
    pushed: Operand | None = None
    backwards: int = 0
    ranges: tuple[tuple[int, int], ...] = ()

    def turns(self, program: Program) -> Iterator[tuple[tuple[int, int, int], ...]]:
        """For each turn of the loop the blocks (step, y0, y1) that it computes, in order; DRIVER are pushed rows."""
        if not self.height:
            rows_of_step = program.steps[self.first].call.rows
            if self.ranges:
                yield tuple((self.first, y0, y1) for y0, y1 in self.ranges)
                return
            for end in range(rows_of_step, 0, -(self.backwards or rows_of_step)):
                yield ((self.first, max(end - (self.backwards or rows_of_step), 0), end),)
            return
        rows = {step: program.steps[step].call.rows for step in range(self.first, self.end)}
        done = dict.fromkeys(rows, 0)
        got = {DRIVER: 0}
        brought = 0 if self.pushed is None else self.pushed.rows  # all of them, even those that nobody needs
        while done != rows or got[DRIVER] < brought:
            blocks = []
            if self.pushed is not None and got[DRIVER] < self.pushed.rows:
                blocks.append((DRIVER, got[DRIVER], got[DRIVER] + self.height))
            got[DRIVER] += self.height
            for step, ready in zip(rows, self.ready, strict=True):
                got[step] = min(r(got[r.source]) for r in ready)
                until = min(got[step], rows[step])
                if until > done[step]:
                    blocks.append((step, done[step], until))
                    done[step] = until
            yield tuple(blocks)

    def blocks(self, program: Program) -> Iterator[tuple[int, int, int]]:
        """(step, y0, y1) in the order of computation; DRIVER are pushed rows."""
        for turn in self.turns(program):
            yield from turn


def made_of(reads: Reads, of: int) -> Array:
    """How many rows can be made of the first 0, 1, .. `of` rows of an input, int64; shape (of + 1,)."""
    counts: Array = np.searchsorted(np.array(reads.last), np.arange(of + 1), side="right")
    return counts


def fit_ready(source: int, reads: Reads, of: int) -> Ready | None:
    """The formula that gives `made_of` exactly; None if there is none of small numbers."""
    rows = len(reads.last)
    got, wanted = np.arange(of), made_of(reads, of)[:of]
    if not wanted.any():
        return Ready(source, rows, of, 0)
    for divide in range(1, _LARGEST_RATIO + 1):
        for multiply in range(1, _LARGEST_RATIO + 1):
            # floor((got * multiply + add) / divide) = wanted, but for what the limits 0 and rows cut off
            low = (wanted * divide - got * multiply)[wanted > 0].max()
            high = (wanted * divide + divide - 1 - got * multiply)[wanted < rows].min(initial=1 << 30)
            if low <= high:
                return Ready(source, multiply, int(low), divide)
    return None


def writers(program: Program) -> dict[int, tuple[int, ...]]:
    """The steps that write each tensor, by the tensor whose memory it is."""
    found: dict[int, tuple[int, ...]] = {}
    for index, step in enumerate(program.steps):
        root = program.storage[step.call.output.tensor]
        found[root] = (*found.get(root, ()), index)
    return found


def streamable(program: Program, written: dict[int, tuple[int, ...]], first: int, step: int) -> tuple[Ready, ...]:
    """When the rows of `step` can be made in a segment that begins at `first`; () if it cannot stand in it."""
    call = program.steps[step].call
    driver = driver_of(program, first)
    if driver is None or call.output.images > 1 or program.in_order(step):
        return ()
    found: list[Ready] = []
    for index, operand in enumerate(call.inputs):
        root, reads = program.storage[operand.tensor], call.reads_of(index)
        if overlap(program, operand.tensor, driver.tensor):
            fits = [fit_ready(DRIVER, reads, driver.rows)] if program.same_rows(operand, driver) else [None]
        else:
            inside = [w for w in written.get(root, ()) if first <= w < step]
            makers = [w for w in inside if overlap(program, operand.tensor, program.steps[w].call.output.tensor)]
            fits = [_ready(program, w, operand, reads) for w in makers]
        for fit in fits:
            if fit is None:
                return ()
            found.append(fit)
    return tuple(found)


def overlap(program: Program, a: int, b: int) -> bool:
    """Whether two tensors share any bytes."""
    (root, first, end), (other, low, high) = program.span(a), program.span(b)
    return root == other and first < high and low < end


def _ready(program: Program, source: int, operand: Operand, reads: Reads) -> Ready | None:
    writer = program.steps[source].call
    if not program.same_rows(writer.output, operand):
        return None
    if writer.gathers:
        return Ready(source, len(reads.last), writer.rows, 0)
    return fit_ready(source, reads, operand.rows)


def driver_of(program: Program, first: int) -> Operand | None:
    """The input whose rows drive a segment that begins at step `first`: the first that is no constant."""
    for operand in program.steps[first].call.inputs:
        if program.graph.tensors[operand.tensor].data is None:
            return operand if operand.images == 1 else None
    return None

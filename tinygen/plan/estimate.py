"""What each segment that could stand in a schedule needs: the peak of its memory and its cost, estimated.

Place in the flow: for plan/search.py. The peak is a sum of what is alive, as if it could be placed without gaps.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from tinygen.ir import Array
from tinygen.kernels import Program
from tinygen.ops.base import Operand
from tinygen.plan.aliases import Piece, pieces_of
from tinygen.plan.schedule import DRIVER, Ready, Segment, driver_of, streamable, writers

HEIGHTS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
_LONGEST = 48  # steps of a segment
_Span = tuple[int, int, int]  # as Program.span gives it


@dataclass(frozen=True, slots=True)
class Option:
    """A segment with its peak in bytes and its cost in instructions."""

    segment: Segment
    peak: int
    cost: int


@dataclass(frozen=True, slots=True, eq=False)
class _Lives:
    """The pieces of the arena: bytes, the step that first writes it (-1: an input), the last to use it; and by tensor
    the pieces that it consists of."""

    size: dict[Piece, int]
    first: dict[Piece, int]
    last: dict[Piece, int]
    pieces: tuple[tuple[Piece, ...], ...]

    def across(self, first: int, end: int) -> int:
        """Bytes of the pieces that are there before step `first` and needed at `end` or later."""
        return sum(s for p, s in self.size.items() if self.lasts(p, first, end))

    def lasts(self, piece: Piece, first: int, end: int) -> bool:
        """Whether a piece is there before step `first` and needed at `end` or later."""
        return self.first[piece] < first and self.last[piece] >= end

    def bytes_of(self, tensor: int) -> int:
        return sum(self.size[piece] for piece in self.pieces[tensor])


def options_of(program: Program, pushed: bool = False, outside: Collection[int] = ()) -> tuple[tuple[Option, ...], ...]:
    """For each step the segments that may begin with it, the single step first.

    pushed: the model's input is brought row by row, so that the first segment must take it so.
    outside: inputs of the model that lie in another memory and do not count.
    """
    written, lives = writers(program), _lives(program, outside)
    options = [
        (_whole(program, lives, first), *_streams(program, written, lives, first, False))
        for first in range(len(program.steps))
    ]
    if pushed:
        options[0] = tuple(_streams(program, written, lives, 0, True))
    return tuple(options)


def _lives(program: Program, outside: Collection[int]) -> _Lives:
    graph, pieces, end = program.graph, pieces_of(program), len(program.steps)
    first = {piece: -1 for i in graph.inputs for piece in pieces[i]}
    last = dict(first)
    for index, step in enumerate(program.steps):
        used = [o.tensor for o in (*step.call.inputs, step.call.output) if program.in_arena(o.tensor)]
        if program.in_arena(step.call.output.tensor):
            for piece in pieces[step.call.output.tensor]:
                first.setdefault(piece, index)
        last |= {piece: index for t in used for piece in pieces[t]}
    last |= {piece: end for i in graph.outputs for piece in pieces[i]}
    return _Lives({p: 0 if p.root in outside else p.nbytes for p in first}, first, last, pieces)


def _whole(program: Program, lives: _Lives, index: int) -> Option:
    """A step computed in one call, its output moving in over inputs that die here."""
    step = program.steps[index]
    call = step.call
    across = lives.across(index, index + 1)
    total = np.full(call.rows, across + call.scratch_bytes + call.carry_bytes, np.int64)
    seen = {piece for piece in lives.size if lives.lasts(piece, index, index + 1)}
    for i, operand in enumerate(call.inputs):
        if not program.in_arena(operand.tensor):
            continue
        first = np.array(call.reads_of(i).first)
        if i in call.in_place:
            first = np.append(first[1:], operand.rows)
        gone = first * operand.row_bytes if operand.images == 1 and call.output.images == 1 else first * 0
        gone += program.span(operand.tensor)[1]
        for piece in lives.pieces[operand.tensor]:
            if piece not in seen:
                total += np.clip(piece.end - gone, 0, lives.size[piece])
                seen.add(piece)
    output = call.output
    if program.in_arena(output.tensor):
        rows = np.arange(1, call.rows + 1) * output.row_bytes + program.span(output.tensor)[1]
        for piece in lives.pieces[output.tensor]:
            if piece not in seen:
                at_once = call.gathers or output.images > 1
                total += piece.nbytes if at_once else np.clip(rows - piece.first, 0, piece.nbytes)
    return Option(Segment(index, index + 1), int(total.max()), work(program, index) + call.call_cost)


def work(program: Program, index: int) -> int:
    """Instructions of a step, roughly: it only weighs the calls against the work.

    Of a general kernel on a Cortex-M4: 4 to 5 for a product of int8 (10 in a depthwise window), 6 to 8 for one of
    int16 or float32, and 5 to 40 for an element that is the result of no product.
    """
    step = program.steps[index]
    if step.call.cost:
        return step.call.cost
    output = step.call.output
    size = program.graph.tensors[output.tensor].dtype.size
    return (5 if size == 1 else 8) * step.macs + 20 * output.images * output.rows * output.row_bytes // size


def _streams(
    program: Program, written: dict[int, tuple[int, ...]], lives: _Lives, first: int, pushed: bool
) -> list[Option]:
    """Every streamed segment that begins with `first`, for several heights; with `pushed` rows one at a time."""
    driver = driver_of(program, first)
    if driver is None or driver.rows < 2 or program.is_huge:
        return []
    if pushed and program.span(driver.tensor) != program.span(program.graph.inputs[0]):
        return []  # it takes a part of the input alone
    ready: list[tuple[Ready, ...]] = []
    options = []
    root = program.storage[driver.tensor]
    source = root if program.span(root) == program.span(driver.tensor) else driver.tensor
    heights = [h for h in HEIGHTS if h < driver.rows and (h == 1 or not pushed)]
    states = {h: _State(program, lives, first, driver, h, pushed) for h in heights}
    for step in range(first, min(len(program.steps), first + _LONGEST)):
        made = streamable(program, written, first, step)
        if not made:
            break
        ready.append(made)
        across = lives.across(first, step + 1)
        for height, state in states.items():
            state.add(step, made)
            if (step > first or pushed) and state.ends:
                segment = Segment(first, step + 1, height, source, tuple(ready), driver if pushed else None)
                options.append(Option(segment, *state.need(step + 1, across)))
    return options


class _State:
    """A streamed segment that grows step by step: rows done and rows still needed, by turn."""

    def __init__(self, program: Program, lives: _Lives, first: int, driver: Operand, height: int, pushed: bool) -> None:
        self._program, self._lives, self._first = program, lives, first
        # what padding holds back comes in some more turns
        turns = -(-(3 * driver.rows + 64) // height)
        self._got: dict[int, Array] = {DRIVER: np.arange(1, turns + 1) * height}
        # tensors by the memory they have
        self._operand: dict[_Span, Operand] = {}  # how the writer sees it; not of those counted in _inside
        self._inside = 0  # bytes of the rings whose tensors are complete
        self._made: dict[_Span, Array] = {}  # rows written
        self._low: dict[_Span, Array] = {}  # the first row still needed before each turn
        if pushed:
            self._made[program.span(driver.tensor)] = np.minimum(self._got[DRIVER], driver.rows)
        self._split: set[_Span] = set()  # those that are not seen as the same rows by all
        self.ends = True  # whether the turns that are looked at suffice
        self._carry = self._scratch = self._cost = 0

    def add(self, step: int, ready: tuple[Ready, ...]) -> None:
        call = self._program.steps[step].call
        self._got[step] = np.minimum.reduce([_rows(r, self._got[r.source]) for r in ready])
        done = np.minimum(self._got[step], call.rows)
        self.ends = self.ends and bool(done[-1] == call.rows)
        before = np.append(0, done[:-1])
        for index, operand in enumerate(call.inputs):
            span = self._program.span(operand.tensor)
            if self._program.graph.tensors[operand.tensor].data is None:
                low = np.append(np.array(call.reads_of(index).first), operand.rows)[before]
                self._low[span] = np.minimum(self._low.get(span, low), low)
                self._use(span, operand)
        span = self._program.span(call.output.tensor)
        made = np.where(done == call.rows, call.output.rows, 0) if call.gathers else done
        self._made[span] = np.maximum(self._made.get(span, made), made)
        self._use(span, call.output)
        self._carry += call.carry_bytes
        self._scratch = max(self._scratch, call.scratch_bytes)
        self._cost += work(self._program, step) + call.call_cost * int((done > before).sum())

    def _use(self, span: _Span, operand: Operand) -> None:
        if not self._program.same_rows(self._operand.setdefault(span, operand), operand):
            self._split.add(span)

    def need(self, end: int, across: int) -> tuple[int, int]:
        """(peak, cost) of the segment up to step `end`, which never falls from one call to the next.

        across: bytes of the tensors that live across it.
        """
        lives = self._lives
        for span in [s for s in self._operand if s in self._made and self._is_inside(s, end)]:
            self._inside += self._size_inside(span)
            del self._operand[span]
        fixed = across + self._inside + self._carry + self._scratch
        total = np.full(len(self._got[DRIVER]), fixed, np.int64)
        for span, operand in self._operand.items():
            if all(lives.lasts(piece, self._first, end) for piece in lives.pieces[operand.tensor]):
                continue
            if span in self._made:
                total += self._made[span] * operand.row_bytes
            else:  # an input that dies in this segment
                total += np.maximum(lives.bytes_of(operand.tensor) - self._low[span] * operand.row_bytes, 0)
        return int(total.max()), self._cost

    def _is_inside(self, span: _Span, end: int) -> bool:
        """Whether a tensor is made in this segment, and not needed behind it; pushed rows count as made."""
        lives = self._lives
        pieces = lives.pieces[self._operand[span].tensor]
        return all(lives.last[p] < end and not 0 <= lives.first[p] < self._first for p in pieces)

    def _size_inside(self, span: _Span) -> int:
        """Bytes of the ring of a tensor that lives in this segment alone; all of it where its rows are seen unlike."""
        operand, low = self._operand[span], self._low.get(span)
        size = self._lives.bytes_of(operand.tensor)
        if span in self._split or low is None:
            return size
        return min(size, int((self._made[span] - low).max()) * operand.row_bytes)


def _rows(ready: Ready, got: Array) -> Array:
    if not ready.divide:
        return np.where(got >= ready.add, ready.multiply, 0)
    made: Array = np.maximum(got * ready.multiply + ready.add, 0) // ready.divide
    return made

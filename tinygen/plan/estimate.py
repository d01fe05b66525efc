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
from tinygen.plan.schedule import DRIVER, Ready, Segment, driver_of, same_rows, streamable, writers

_HEIGHTS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
_LONGEST = 48  # steps of a segment


@dataclass(frozen=True, slots=True)
class Option:
    """A segment with its peak in bytes and its cost in instructions."""

    segment: Segment
    peak: int
    cost: int


@dataclass(frozen=True, slots=True, eq=False)
class _Lives:
    """The tensors by the memory they have: bytes, the step that first writes it (-1: an input), the last to use it."""

    size: dict[int, int]
    first: dict[int, int]
    last: dict[int, int]

    def across(self, first: int, end: int) -> int:
        """Bytes of the tensors that are there before step `first` and needed at `end` or later."""
        return sum(s for r, s in self.size.items() if self.lasts(r, first, end))

    def lasts(self, root: int, first: int, end: int) -> bool:
        """Whether a tensor is there before step `first` and needed at `end` or later."""
        return self.first[root] < first and self.last[root] >= end


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
    graph, storage, end = program.graph, program.storage, len(program.steps)
    first = {storage[i]: -1 for i in graph.inputs}
    last = dict(first)
    for index, step in enumerate(program.steps):
        used = [o.tensor for o in (*step.call.inputs, step.call.output) if program.in_arena(o.tensor)]
        if program.in_arena(step.call.output.tensor):
            first.setdefault(storage[step.call.output.tensor], index)
        last |= {storage[t]: index for t in used}
    last |= {storage[i]: end for i in graph.outputs}
    return _Lives({r: 0 if r in outside else graph.tensors[r].nbytes for r in first}, first, last)


def _whole(program: Program, lives: _Lives, index: int) -> Option:
    """A step computed in one call, its output moving in over inputs that die here."""
    step = program.steps[index]
    call = step.call
    across = lives.across(index, index + 1)
    total = np.full(call.rows, across + call.scratch_bytes + call.carry_bytes, np.int64)
    seen = {root for root in lives.size if lives.lasts(root, index, index + 1)}
    for i, operand in enumerate(call.inputs):
        root = program.storage[operand.tensor]
        if not program.in_arena(operand.tensor) or root in seen:
            continue
        seen.add(root)
        first = np.array(call.reads_of(i).first)
        if i in call.in_place:
            first = np.append(first[1:], operand.rows)
        gone = first * operand.row_bytes if operand.images == 1 and call.output.images == 1 else 0
        total += np.maximum(lives.size[root] - gone, 0)
    root = program.storage[call.output.tensor]
    if root not in seen and program.in_arena(root):
        rows = np.arange(1, call.rows + 1) * call.output.row_bytes
        total += lives.size[root] if call.gathers or call.output.images > 1 else rows
    return Option(Segment(index, index + 1), int(total.max()), work(program, index) + call.call_cost)


def work(program: Program, index: int) -> int:
    """Instructions of a step, roughly: it only weighs the calls against the work."""
    step = program.steps[index]
    if step.call.cost:
        return step.call.cost
    return 3 * step.macs + 8 * step.call.output.images * step.call.output.rows * step.call.output.row_bytes


def _streams(
    program: Program, written: dict[int, tuple[int, ...]], lives: _Lives, first: int, pushed: bool
) -> list[Option]:
    """Every streamed segment that begins with `first`, for several heights; with `pushed` rows one at a time."""
    driver = driver_of(program, first)
    if driver is None or driver.rows < 2 or program.is_huge:
        return []
    ready: list[tuple[Ready, ...]] = []
    options = []
    heights = [h for h in _HEIGHTS if h < driver.rows and (h == 1 or not pushed)]
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
                root = program.storage[driver.tensor]
                segment = Segment(first, step + 1, height, root, tuple(ready), driver if pushed else None)
                options.append(Option(segment, *state.need(step + 1, across)))
    return options


class _State:
    """A streamed segment that grows step by step: rows done and rows still needed, by turn."""

    def __init__(self, program: Program, lives: _Lives, first: int, driver: Operand, height: int, pushed: bool) -> None:
        self._program, self._lives, self._first = program, lives, first
        # what padding holds back comes in some more turns
        turns = -(-(3 * driver.rows + 64) // height)
        self._got: dict[int, Array] = {DRIVER: np.arange(1, turns + 1) * height}
        self._operand: dict[int, Operand] = {}  # by root: how its writer sees it; not of those counted in _inside
        self._inside = 0  # bytes of the rings whose tensors are complete
        self._made: dict[int, Array] = {}  # rows written, by root
        self._low: dict[int, Array] = {}  # the first row still needed before each turn, by root
        if pushed:
            self._made[program.storage[driver.tensor]] = np.minimum(self._got[DRIVER], driver.rows)
        self._split: set[int] = set()  # roots that are not seen as the same rows by all
        self.ends = True  # whether the turns that are looked at suffice
        self._carry = self._scratch = self._cost = 0

    def add(self, step: int, ready: tuple[Ready, ...]) -> None:
        call = self._program.steps[step].call
        self._got[step] = np.minimum.reduce([_rows(r, self._got[r.source]) for r in ready])
        done = np.minimum(self._got[step], call.rows)
        self.ends = self.ends and bool(done[-1] == call.rows)
        before = np.append(0, done[:-1])
        for index, operand in enumerate(call.inputs):
            root = self._program.storage[operand.tensor]
            if self._program.graph.tensors[operand.tensor].data is None:
                low = np.append(np.array(call.reads_of(index).first), operand.rows)[before]
                self._low[root] = np.minimum(self._low.get(root, low), low)
                self._use(root, operand)
        root = self._program.storage[call.output.tensor]
        made = np.where(done == call.rows, call.output.rows, 0) if call.gathers else done
        self._made[root] = np.maximum(self._made.get(root, made), made)
        self._use(root, call.output)
        self._carry += call.carry_bytes
        self._scratch = max(self._scratch, call.scratch_bytes)
        self._cost += work(self._program, step) + call.call_cost * int((done > before).sum())

    def _use(self, root: int, operand: Operand) -> None:
        if not same_rows(self._operand.setdefault(root, operand), operand):
            self._split.add(root)

    def need(self, end: int, across: int) -> tuple[int, int]:
        """(peak, cost) of the segment up to step `end`, which never falls from one call to the next.

        across: bytes of the tensors that live across it.
        """
        lives = self._lives
        for root in [r for r in self._operand if r in self._made and self._is_inside(r, end)]:
            self._inside += self._size_inside(root)
            del self._operand[root]
        fixed = across + self._inside + self._carry + self._scratch
        total = np.full(len(self._got[DRIVER]), fixed, np.int64)
        for root, operand in self._operand.items():
            if lives.lasts(root, self._first, end):
                continue
            if root in self._made:
                total += self._made[root] * operand.row_bytes
            else:  # an input that dies in this segment
                total += np.maximum(lives.size[root] - self._low[root] * operand.row_bytes, 0)
        return int(total.max()), self._cost

    def _is_inside(self, root: int, end: int) -> bool:
        """Whether a tensor is made in this segment, and not needed behind it; pushed rows count as made."""
        lives = self._lives
        return lives.last[root] < end and not 0 <= lives.first[root] < self._first

    def _size_inside(self, root: int) -> int:
        """Bytes of the ring of a tensor that lives in this segment alone; all of it where its rows are seen unlike."""
        size, low = self._lives.size[root], self._low.get(root)
        if root in self._split or low is None:
            return size
        return min(size, int((self._made[root] - low).max()) * self._operand[root].row_bytes)


def _rows(ready: Ready, got: Array) -> Array:
    if not ready.divide:
        return np.where(got >= ready.add, ready.multiply, 0)
    made: Array = np.maximum(got * ready.multiply + ready.add, 0) // ready.divide
    return made

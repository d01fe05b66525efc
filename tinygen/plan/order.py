"""The order of the operators: among all that the graph allows, one whose largest moment is the smallest.

Place in the flow: before plan/search.py. Tensors count whole here; streaming comes after. The states of the search are
the sets of operators that have run, level by level. While all of a level's states are kept the search is exact, which
holds for graphs of some 25 branches; beyond that the best `_WIDTH` of them go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, groupby

from tinygen.kernels import Program
from tinygen.plan.aliases import Piece, in_place, pieces_of

_WIDTH = 1024
_State = tuple[int, int, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class _Group:
    """The steps of one operator: what must run before (as bits), and which pieces of the arena they touch."""

    steps: tuple[int, ...]
    needs: int
    touches: frozenset[Piece]
    scratch: int


def ordered(program: Program) -> Program:
    """The program in the best order found; as it is where no order is better."""
    if program.is_huge:
        return program
    groups = _groups(program)
    memory = _Memory(program, groups)
    best = _search(memory, groups)
    if best is None or memory.peak(best) >= memory.peak(range(len(groups))):
        return program
    steps = chain.from_iterable(groups[g].steps for g in best)
    return replace(program, steps=tuple(program.steps[s] for s in steps))


def variants(program: Program) -> tuple[Program, ...]:
    """The program with tensors that lie in one another, if that saves a copy, and as it is; each in its best order."""
    return tuple(ordered(each) for each in dict.fromkeys((in_place(program), program)))


def whole_peak(program: Program) -> int:
    """Bytes of the largest moment, all tensors whole, in the order as it is."""
    groups = _groups(program)
    return _Memory(program, groups).peak(range(len(groups)))


def _groups(program: Program) -> list[_Group]:
    numbered = groupby(range(len(program.steps)), key=lambda s: id(program.steps[s].op))
    groups: list[_Group] = []
    pieces = pieces_of(program)
    writers: dict[Piece, set[int]] = {}
    users: dict[Piece, set[int]] = {}
    for number, (_, members) in enumerate(numbered):
        steps = tuple(members)
        read: set[Piece] = set()
        written: set[Piece] = set()
        for step in steps:
            call = program.steps[step].call
            inputs = [o.tensor for o in call.inputs if program.graph.tensors[o.tensor].data is None]
            variables = [o.tensor for o in call.state]  # read and written: in the order of the graph
            read = read.union(*(pieces[t] for t in (*inputs, *variables)))
            written = written.union(*(pieces[t] for t in (call.output.tensor, *variables)))
        # what is read must have been written; what is written anew must have been read by all who wanted the old
        needs = set().union(*(writers.get(r, ()) for r in read), *(users.get(w, ()) for w in written))
        for piece in read | written:
            users.setdefault(piece, set()).add(number)
        for piece in written:
            writers.setdefault(piece, set()).add(number)
        scratch = max(program.steps[s].call.scratch_bytes + program.steps[s].call.carry_bytes for s in steps)
        touches = frozenset(piece for piece in read | written if program.in_arena(piece.root))
        groups.append(_Group(steps, sum(1 << n for n in needs), touches, scratch))
    return groups


def _search(memory: _Memory, groups: Sequence[_Group]) -> tuple[int, ...] | None:
    """The order of the least peak; None if nothing can be chosen."""
    # by the set of groups that have run, as bits: (peak, bytes alive, order)
    level: dict[int, _State] = {0: (0, memory.inputs, ())}
    free = False
    for _ in groups:
        following: dict[int, _State] = {}
        for done, state in level.items():
            choices = [g for g in range(len(groups)) if not done >> g & 1 and groups[g].needs & ~done == 0]
            free = free or len(choices) > 1
            for g, reached in _worth_trying(memory, state, done, choices):
                known = following.get(done | 1 << g)
                if known is None or reached[:2] < known[:2]:
                    following[done | 1 << g] = reached
        level = dict(sorted(following.items(), key=lambda item: item[1][:2])[:_WIDTH])
    return min(level.values())[2] if free else None


def _worth_trying(memory: _Memory, state: _State, done: int, choices: Sequence[int]) -> list[tuple[int, _State]]:
    """The choices with the states they lead to; only one that costs nothing and frees memory, if there is such."""
    peak, alive, order = state
    reached = []
    for g in choices:
        most, left = memory.run(g, done, alive)
        reached.append((g, (max(peak, most), left, (*order, g))))
        if most <= peak and left <= alive:
            return reached[-1:]
    return reached


class _Memory:
    """What is alive before, while and after a group runs."""

    def __init__(self, program: Program, groups: Sequence[_Group]) -> None:
        pieces = pieces_of(program)
        inputs = {piece for i in program.graph.inputs for piece in pieces[i]}
        # who uses a piece, as bits; the outputs of the model are used for ever
        users = {piece: 1 << len(groups) for i in program.graph.outputs for piece in pieces[i]}
        for number, group in enumerate(groups):
            for piece in group.touches:
                users[piece] = users.get(piece, 0) | 1 << number
        self.inputs = sum(p.nbytes for p in inputs)
        self._scratch = [group.scratch for group in groups]
        # for each group (users, bytes, whether it is there from the start) of what it touches
        self._touched = [[(users[p], p.nbytes, p in inputs) for p in g.touches] for g in groups]

    def run(self, number: int, done: int, alive: int) -> tuple[int, int]:
        """(bytes alive while group `number` runs, and after it) when the groups in `done` have run before."""
        after = done | 1 << number
        for users, size, is_input in self._touched[number]:
            if not users & done and not is_input:
                alive += size
        most = alive + self._scratch[number]
        for users, size, _ in self._touched[number]:
            if not users & ~after:
                alive -= size
        return most, alive

    def peak(self, order: Sequence[int]) -> int:
        """The largest moment of an order."""
        done, alive, peak = 0, self.inputs, 0
        for number in order:
            most, alive = self.run(number, done, alive)
            peak = max(peak, most)
            done |= 1 << number
        return peak

"""Which plans `tinygen tune` measures: the frontiers of several sets of kernels, improved step by step.

Place in the flow: for tune.py, between measuring the layers and measuring whole plans. Everything here goes by costs
that were measured; nothing is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tinygen.errors import TinygenError
from tinygen.kernels import Program, Step
from tinygen.ops.base import KernelCall
from tinygen.plan import Plan
from tinygen.plan.estimate import HEIGHTS
from tinygen.plan.order import variants
from tinygen.plan.place import lower_bound, place
from tinygen.plan.schedule import Segment
from tinygen.plan.search import Stretch, frontier, given_schedule
from tinygen.plan.timeline import find_buffers

Names = tuple[str, ...]  # of candidates, one for each kernel call in the order of lowering
Choices = Sequence[Mapping[str, KernelCall]]
_FAMILIES = 6  # of kernels, by the memory that they may take
_IMPROVED = 3  # of the frontiers' plans
_MOST_CHECKS = 300  # of the arena of an improved plan


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a layer with one of its candidates: what all its rows take, and each block beyond them."""

    work: float
    block: float


Costs = Mapping[tuple[int, str], Cost]  # by number in the order of lowering, and candidate


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes that a plan may take."""

    arena: int
    constants: int


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan that could be measured; `cost` is what it should take."""

    names: Names
    schedule: tuple[Stretch, ...]
    cost: float


def schedule_of(segments: Sequence[Segment]) -> tuple[Stretch, ...]:
    """Segments as given_schedule takes them."""
    return tuple(Stretch(s.first, s.end, s.height, s.backwards) for s in segments)


def blocks_of(program: Program, segments: Sequence[Segment]) -> list[int]:
    """How many blocks of rows each step is computed in."""
    blocks = [0] * len(program.steps)
    for segment in segments:
        for step, _, _ in segment.blocks(program):
            blocks[step] += 1
    return blocks


def drafts(
    program: Program, untuned: Plan, names: Names, choices: Choices, costs: Costs, limits: Limits
) -> list[Draft]:
    """Plans that keep to the limits, the one that should be the fastest first, each once.

    program: as it was lowered with `names`, the candidates of the plan `untuned`. A candidate without a cost is not
    taken.
    """
    search = _Search(program, choices, costs, limits)
    found = [search.draft(names, schedule_of(untuned.segments))] if untuned.arena_bytes <= limits.arena else []
    for family in _families(names, choices, costs):
        priced = variants(search.program(family, priced=True))[0]
        if priced.const_bytes > limits.constants:
            continue
        fitting = [c for c in frontier((priced,)) if c.arena_bytes <= limits.arena]
        found += [search.draft(family, schedule_of(c.segments)) for c in fitting[-_IMPROVED:]]
    found.sort(key=lambda draft: draft.cost)
    improved = [search.improved(draft) for draft in found[:_IMPROVED]]
    return sorted(dict.fromkeys((*improved, *found)), key=lambda draft: draft.cost)


def smallest(choices: Choices) -> Names:
    """Of each layer the candidate that takes the least memory beside its rows."""
    return tuple(min(choice, key=lambda name: _memory(choice[name])) for choice in choices)


class _Search:
    """The candidates, what they cost, and how much memory there is."""

    def __init__(self, program: Program, choices: Choices, costs: Costs, limits: Limits) -> None:
        self._lowered, self._choices, self._costs, self._limits = program, choices, costs, limits
        self._checks = 0

    def program(self, names: Names, priced: bool = False) -> Program:
        """The program with these candidates, in the order of lowering; priced: with the costs that were measured."""
        steps = []
        for index, name in enumerate(names):
            call, cost = self._choices[index][name], self._costs.get((index, name))
            if priced and cost is not None:
                call = replace(call, cost=max(round(cost.work), 1), call_cost=round(cost.block))
            steps.append(replace(self._lowered.steps[index], call=call))
        return replace(self._lowered, steps=tuple(steps))

    def draft(self, names: Names, schedule: tuple[Stretch, ...]) -> Draft:
        """With the cost of a schedule that the program with these candidates can have; raises TinygenError."""
        lowered = self.program(names)
        program = variants(lowered)[0]
        number = _numbers(lowered.steps)
        blocks = blocks_of(program, given_schedule(program, schedule))
        cost = 0.0
        for step, count in zip(program.steps, blocks, strict=True):
            index = number[id(step)]
            known = self._costs.get((index, names[index]))
            # what could not be measured is no reason for or against a plan
            cost += known.work + count * known.block if known is not None else 0.0
        return Draft(names, schedule, cost)

    def fits(self, draft: Draft) -> bool:
        """Whether the plan keeps to the limits."""
        program, most = variants(self.program(draft.names))[0], self._limits.arena
        if program.const_bytes > self._limits.constants:
            return False
        buffers = find_buffers(program, given_schedule(program, draft.schedule))
        return lower_bound(buffers) <= most and place(buffers).size <= most

    def improved(self, draft: Draft) -> Draft:
        """By one change after the other that saves time and keeps to the limit, the one that saves most first."""
        refused: set[object] = set()
        while True:
            better: list[tuple[float, int, object, Draft]] = []
            for what, names, schedule in self._changes(draft):
                try:
                    changed = self.draft(names, schedule)
                except TinygenError:
                    continue
                if what not in refused and changed.cost < draft.cost:
                    better.append((changed.cost, len(better), what, changed))
            for _, _, what, changed in sorted(better, key=lambda each: each[:2]):
                self._checks += 1
                if self._checks > _MOST_CHECKS:
                    return draft
                if self.fits(changed):
                    draft = changed
                    break
                refused.add(what)
            else:
                return draft

    def _changes(self, draft: Draft) -> Iterator[tuple[object, Names, tuple[Stretch, ...]]]:
        """(what, names, schedule): another candidate for a layer, another height for a segment."""
        for index, name in enumerate(draft.names):
            for other in self._choices[index]:
                if other != name and (index, other) in self._costs:
                    yield (index, other), (*draft.names[:index], other, *draft.names[index + 1 :]), draft.schedule
        for at, stretch in enumerate(draft.schedule):
            for other_stretch in _other_heights(stretch):
                changed = (*draft.schedule[:at], other_stretch, *draft.schedule[at + 1 :])
                yield other_stretch, draft.names, changed


def _other_heights(stretch: Stretch) -> Iterator[Stretch]:
    if stretch.height:
        yield from (replace(stretch, height=height) for height in HEIGHTS if height > stretch.height)
    elif stretch.backwards:
        yield from (replace(stretch, backwards=height) for height in HEIGHTS if height > stretch.backwards)
        yield replace(stretch, backwards=0)


def _numbers(steps: Sequence[Step]) -> dict[int, int]:
    return {id(step): index for index, step in enumerate(steps)}


def _families(untuned: Names, choices: Choices, costs: Costs) -> list[Names]:
    """The fastest candidates of all layers that take no more memory than so much, for several limits; the untuned."""
    every = sorted({_memory(call) for choice in choices for call in choice.values()})
    kept = sorted({every[i * (len(every) - 1) // (_FAMILIES - 1)] for i in range(_FAMILIES)}) if every else []
    families = [untuned]
    for most in reversed(kept):
        families.append(
            tuple(_fastest(i, untuned[i], choice, costs, most) for i, choice in enumerate(choices)),
        )
    return list(dict.fromkeys(families))


def _fastest(index: int, untuned: str, choice: Mapping[str, KernelCall], costs: Costs, most: int) -> str:
    """The fastest candidate of a layer that takes at most so much memory; the untuned one where all take more."""
    small = [name for name, call in choice.items() if (index, name) in costs and _memory(call) <= most]

    def cost(name: str) -> tuple[float, int]:
        return costs[index, name].work + costs[index, name].block, _memory(choice[name])

    return min(small, key=cost, default=untuned)


def _memory(call: KernelCall) -> int:
    """Bytes that a kernel takes beyond its rows: scratch, and the rows that it makes together."""
    return call.scratch_bytes + call.carry_bytes + (call.rows_at_once - 1) * call.output.row_bytes

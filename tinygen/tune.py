"""Finds the fastest kernels and schedule of a model on a board by measuring them there, under a limit of memory.

Place in the flow: cli/tune.py calls it; it goes the way from kernels.py to bench.py again and again. First every
candidate of every layer is measured, as many at once as there are layers; then what a block takes beyond its rows. With
these costs, in the place of the estimated ones, the planner looks for schedules. The best are measured as a whole.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tinygen.bench import Figures, measure, measure_layers
from tinygen.boards import Board
from tinygen.errors import TinygenError
from tinygen.kernels import Program, build_program, lowered
from tinygen.kernelsets import Target, candidates, chosen_name
from tinygen.pipeline import Compiled, write_board_project
from tinygen.plan import Plan, make_plan, plan_schedule
from tinygen.plan.order import variants
from tinygen.plan.search import Stretch, given_schedule
from tinygen.platformio import DoesNotFit
from tinygen.reference import run
from tinygen.samples import random_samples
from tinygen.stack import Stack
from tinygen.tester import board_with_tester, run_on_device
from tinygen.tune_search import Cost, Limits, Names, blocks_of, drafts, schedule_of, smallest

_NO_STACK = Stack(None, "")
_GROWTH = 1.05  # of constants, but for speed
_CHECKED = 2  # inferences that must be right to the bit


@dataclass(frozen=True, slots=True)
class Steps:
    """What tells the user how far it is: `tried` before and after each trial, `line` with PlatformIO's output."""

    tried: Callable[[str], None]
    line: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Trial:
    """Kernels and schedule with what they take, in `metric`: cycles, instructions or microseconds."""

    names: Names
    schedule: tuple[Stretch, ...]
    arena_bytes: int
    metric: str
    value: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """untuned: as it is without tuning. best: the fastest, which may be the same. trials: how many were measured."""

    untuned: Trial
    best: Trial
    trials: int
    compiled: Compiled


class _Bench:
    """Measures plans of one model on one board."""

    def __init__(self, compiled: Compiled, board: Board, port: str | None, steps: Steps) -> None:
        self.compiled, self.board, self._port, self._steps = compiled, board, port, steps
        self.count = 0
        self.target = Target(board.kernels, compiled.request.optimize)
        self.calls = lowered(compiled.plan.program.graph)
        self.choices = tuple(candidates(call, self.target) for call in self.calls)

    def program(self, names: Names) -> Program:
        """The program with these candidates, in the order of lowering."""
        return build_program(self.compiled.plan.program.graph, replace(self.target, tuned=names))

    def whole(self, names: Names, plan: Plan) -> Trial | None:
        """Measure an inference; None where the firmware is too large for the board."""
        with self._project(plan) as project:
            try:
                figures = measure(
                    replace(self.compiled, plan=plan), self.board, project, self._port, _NO_STACK, self._steps.line
                ).whole
            except DoesNotFit:
                return None
        metric, value = value_of(figures)
        self._steps.tried(f"{value:,.0f} {metric} with an arena of {plan.arena_bytes:,} bytes")
        return Trial(names, schedule_of(plan.segments), plan.arena_bytes, metric, value)

    def layers(self, program: Program, plan: Plan) -> dict[int, tuple[int, float]] | None:
        """By number in the order of lowering: blocks, and what they take in all; None where it is too large."""
        with self._project(plan) as project:
            try:
                figures = measure_layers(
                    replace(self.compiled, plan=plan), self.board, project, self._port, _NO_STACK, self._steps.line
                )
            except DoesNotFit:
                return None
        number = {id(step.call): index for index, step in enumerate(program.steps)}
        blocks = blocks_of(plan.program, plan.segments)
        return {
            number[id(step.call)]: (blocks[index], value_of(figures[index])[1]) for index, step in enumerate(plan.steps)
        }

    def is_exact(self, plan: Plan) -> bool:
        """Whether the board computes what the numpy reference does, to the bit."""
        samples = random_samples(plan.program.graph, _CHECKED)
        with (
            self._project(plan) as project,
            board_with_tester(self.board, project, self._port, self._steps.line) as on,
        ):
            (device,) = run_on_device(
                [(replace(self.compiled, plan=plan), samples)], self.board, on.url, lambda done: None
            )
        wanted = [run(plan.program.graph, inputs) for inputs in samples.inputs]
        pairs = zip(device.outputs, wanted, strict=True)
        return all(np.array_equal(a, b) for got, right in pairs for a, b in zip(got, right, strict=True))

    @contextmanager
    def _project(self, plan: Plan) -> Iterator[Path]:
        """A project of the plan, in a folder that is gone afterwards."""
        self.count += 1
        self._steps.tried(f"trial {self.count}")
        with tempfile.TemporaryDirectory(prefix="tinygen-") as folder:
            project = Path(folder) / "project"
            write_board_project([replace(self.compiled, plan=plan)], self.board, project)
            yield project


def tune(compiled: Compiled, board: Board, port: str | None, most: int | None, tries: int, steps: Steps) -> Outcome:
    """Look for the fastest plan with an arena of at most `most` bytes (None: what the untuned plan takes).

    compiled: the model as it is without tuning. tries: how many plans are measured as a whole. Raises TinygenError when
    even the untuned plan does not run on the board, when no plan keeps to the limit, or when the fastest is wrong.
    """
    bench = _Bench(compiled, board, port, steps)
    limit = compiled.plan.arena_bytes if most is None else most
    if limit < compiled.plan.arena_bytes:
        least = make_plan(bench.program(smallest(bench.choices)), "ram").arena_bytes
        if least > limit:
            raise _too_little(compiled, limit)
    untuned_names = tuple(chosen_name(call, bench.target) for call in bench.calls)
    untuned = bench.whole(untuned_names, compiled.plan)
    if untuned is None:
        raise TinygenError(f"{compiled.request.name} does not fit {board.name}", "tune for a larger board")
    costs = _costs(bench, untuned_names, schedule_of(compiled.plan.segments))
    steps.tried("looking for plans")
    found = [untuned] if untuned.arena_bytes <= limit else []
    program = bench.program(untuned_names)
    constants = 1 << 30 if compiled.request.optimize == "speed" else round(_GROWTH * program.const_bytes)
    limits = Limits(limit, constants)
    for draft in drafts(program, compiled.plan, untuned_names, bench.choices, costs, limits)[:tries]:
        if (draft.names, draft.schedule) == (untuned.names, untuned.schedule):
            break  # those behind it should be slower
        plan = plan_of(bench.program(draft.names), draft.schedule)
        trial = bench.whole(draft.names, plan) if plan.arena_bytes <= limit else None
        found += [trial] if trial is not None else []
    if not found:
        raise _too_little(compiled, limit)
    best = min(found, key=lambda trial: (trial.value, trial.arena_bytes))
    plan = plan_of(bench.program(best.names), best.schedule)
    if plan.arena_bytes != best.arena_bytes or not bench.is_exact(plan):
        raise TinygenError(
            f"{board.name} does not compute {compiled.request.name} as it should with the fastest plan",
            "report it with the model and the board; `tinygen test` tells whether it does untuned",
        )
    return Outcome(untuned, best, bench.count, replace(compiled, plan=plan))


def _too_little(compiled: Compiled, limit: int) -> TinygenError:
    return TinygenError(
        f"no plan of {compiled.request.name} was found with an arena of {limit:,} bytes",
        "allow more with --max-arena; `tinygen plan --frontier` shows what there is",
    )


def value_of(figures: Figures) -> tuple[str, float]:
    """What is to become small: cycles, else instructions, else microseconds."""
    if figures.cycles is not None:
        return "cycles", figures.cycles
    if figures.instructions is not None:
        return "instructions", figures.instructions
    return "microseconds", figures.microseconds or 0.0


def plan_of(program: Program, schedule: Sequence[Stretch]) -> Plan:
    """The plan of a program, as it was lowered, with a given schedule; raises TinygenError when it cannot have it."""
    program = variants(program)[0]
    return plan_schedule(program, given_schedule(program, schedule))


def _costs(bench: _Bench, untuned: Names, schedule: tuple[Stretch, ...]) -> dict[tuple[int, str], Cost]:
    """Of every layer with every candidate that could be measured, by its number in the order of lowering."""
    taken: dict[tuple[int, str], tuple[int, float]] = {}
    for turn in range(max(map(len, bench.choices), default=0)):
        names = tuple(list(choice)[min(turn, len(choice) - 1)] for choice in bench.choices)
        for index, figures in _layers(bench, names, schedule).items():
            taken.setdefault((index, names[index]), figures)
    fastest = tuple(
        min(choice, key=lambda name: taken.get((index, name), (0, np.inf))[1], default=untuned[index])
        for index, choice in enumerate(bench.choices)
    )
    small = schedule_of(make_plan(bench.program(fastest), "ram").segments)
    cut = _layers(bench, fastest, small)
    costs = {}
    for (index, name), (blocks, value) in taken.items():
        # where no two schedules tell, what the kernel says of itself, in instructions
        block = float(bench.choices[index][name].call_cost)
        other, fast = cut.get(index), taken.get((index, fastest[index]))
        if other is not None and fast is not None and other[0] != fast[0]:
            block = max(0.0, (other[1] - fast[1]) / (other[0] - fast[0]))
        costs[index, name] = Cost(max(value - blocks * block, 0.0), block)
    return costs


def _layers(bench: _Bench, names: Names, schedule: tuple[Stretch, ...]) -> dict[int, tuple[int, float]]:
    """Measure the layers with these kernels in a schedule, in one of their own if they cannot be planned so."""
    program = bench.program(names)
    try:
        plan = plan_of(program, schedule)
    except TinygenError:
        plan = make_plan(program, bench.compiled.request.optimize)
    return bench.layers(program, plan) or {}

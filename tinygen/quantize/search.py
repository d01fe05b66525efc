"""The cheapest set of layers with int16 activations that keeps a model's accuracy within a given drop.

Place in the flow: load/worker.py calls `search` in the child process for `tinygen quantize --target-drop`, after
improve.py. Layers are widened one by one, those first that make most of the noise (diagnose.py); then each that turns
out not to be needed becomes int8 again. Of all that were tried the smallest arena wins, then the fewest constants.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np

from tinygen.ir import Array
from tinygen.kernels import build_program
from tinygen.load.tflite import parse_tflite
from tinygen.passes import run_passes
from tinygen.plan.search import choice, frontier
from tinygen.quantize.diagnose import Diagnosis
from tinygen.quantize.flat import Flat
from tinygen.quantize.measure import Inputs, outputs
from tinygen.quantize.mixed import can_be_int16, with_int16
from tinygen.verify import verify


@dataclass(frozen=True, slots=True)
class Step:
    """One assignment that was tried. layers: with int16 activations, by the operators' places. drop: 0 to 1.
    instructions: the planner's estimate."""

    layers: tuple[int, ...]
    drop: float
    arena_bytes: int
    const_bytes: int
    instructions: int


@dataclass(frozen=True, slots=True)
class Search:
    """The steps in their order, the one chosen, what all layers in int16 would be, and whether the target is met.
    measure: in words what a drop is."""

    content: bytes
    chosen: Step
    steps: tuple[Step, ...]
    all_int16: Step
    met: bool
    measure: str


@dataclass(frozen=True, slots=True, eq=False)
class Exam:
    """Float inputs with the float model's outputs, the first one (samples, ...), and class numbers or None.

    The drop is that of the accuracy where classes are known, else the part of samples with another top-1 class; for a
    model with one output value per sample the error over the spread of the float model's outputs.
    """

    samples: Sequence[Inputs]
    real: Array
    classes: Array | None

    @property
    def measure(self) -> str:
        """What a drop is, in words."""
        count = len(self.samples)
        if self._is_number:
            return f"error over the spread of the float model's outputs, {count} samples"
        if self.classes is not None:
            return f"accuracy lost against the float model, {count} samples"
        return f"samples with another top-1 class than the float model, {count} samples"

    @property
    def _is_number(self) -> bool:
        return bool(self.real[0].size < 2)

    def drop(self, content: bytes) -> float:
        """How much an int8 .tflite loses, 0 or more."""
        first = int(Flat.of(content).graph.outputs[0])
        got = outputs(content, self.samples, [first])[first].reshape(len(self.samples), -1)
        real = self.real.reshape(len(self.samples), -1)
        if self._is_number:
            return float(np.sqrt(((got - real) ** 2).mean()) / max(float(real.std()), 1e-12))
        told, known = got.argmax(1), real.argmax(1)
        if self.classes is None:
            return float((told != known).mean())
        return max(0.0, float((known == self.classes).mean() - (told == self.classes).mean()))


def search(content: bytes, diagnosis: Diagnosis, exam: Exam, target: float, progress: Callable[[str], None]) -> Search:
    """Widen layers of an int8 .tflite until its drop is at most `target` (0.005 is 0.5 %)."""
    able = can_be_int16(Flat.of(content))
    shares = {layer.index: layer.share for layer in diagnosis.layers}
    steps: list[Step] = []

    def attempt(wide: Collection[int]) -> Step:
        made = with_int16(content, wide, {})
        step = Step(tuple(sorted(wide)), exam.drop(made), *cost(made))
        progress(f"{len(wide)} layers in int16: drop {step.drop:.2%}")
        return step

    steps.append(attempt(()))
    for index in sorted(able, key=lambda i: -shares.get(i, 0.0)):
        if steps[-1].drop <= target:
            break
        steps.append(attempt((*steps[-1].layers, index)))
    if steps[-1].drop <= target:
        _narrow(steps, attempt, target)
    met = [step for step in steps if step.drop <= target]
    best = min(met, key=_price) if met else min(steps, key=lambda step: step.drop)
    everything = next((step for step in steps if len(step.layers) == len(able)), None) or attempt(able)
    return Search(
        with_int16(content, best.layers, {}), best, tuple(steps), everything, best.drop <= target, exam.measure
    )


def _narrow(steps: list[Step], attempt: Callable[[Collection[int]], Step], target: float) -> None:
    """From the last step on, layers go back to int8 that the target does not need; each attempt is added to `steps`."""
    needed = steps[-1]
    for index in needed.layers:
        steps.append(attempt(tuple(i for i in needed.layers if i != index)))
        if steps[-1].drop <= target:
            needed = steps[-1]


def _price(step: Step) -> tuple[int, int, int]:
    """Memory first: the estimates of int8 and int16 kernels are not measured on one core."""
    return step.arena_bytes, step.const_bytes, step.instructions


def cost(content: bytes) -> tuple[int, int, int]:
    """(arena bytes, constant bytes, estimated instructions) of a .tflite with portable kernels, balanced."""
    program = build_program(run_passes(verify(parse_tflite(content, "model", "the mixed model"))))
    schedule = choice(frontier((program,)), "balanced")
    return schedule.arena_bytes, program.const_bytes, schedule.cost

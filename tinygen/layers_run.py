"""Asks a board for the checksums of all layers, and for the rows of one that is wrong.

Place in the flow: tester.py calls it for `tinygen test --layers`; layers.py knows what the checksums must be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tinygen import reference
from tinygen.device.link import Link
from tinygen.device.messages import Answer, Watched
from tinygen.errors import TinygenError
from tinygen.ir import Array, Graph
from tinygen.layers import Layer, WrongElement, expected_sums, find_wrong, layers_of
from tinygen.plan import Plan
from tinygen.samples import Inputs

_TRIES = 5


@dataclass(frozen=True, slots=True)
class WrongLayer:
    """The first layer that computes something else than the int8 reference, in the first sample that shows it.

    element is None where the device did not do the same wrong twice.
    """

    sample: int
    layer: Layer
    element: WrongElement | None

    @property
    def text(self) -> str:
        """All of it in one line."""
        at = self.layer
        head = f"sample {self.sample}: layer {at.index}, {at.operator} '{at.name.split(';')[0]}' ({at.kernel})"
        if self.element is None:
            return f"{head}, and not twice the same"
        e = self.element
        return f"{head}; first at {e.place}: expected {e.expected}, got {e.got}"


@dataclass(frozen=True, slots=True)
class LayersRun:
    """Of each layer, how many samples it was wrong in; a layer after a wrong one is wrong, too, as a rule."""

    layers: tuple[Layer, ...]
    wrong_samples: tuple[int, ...]
    first: WrongLayer | None

    @property
    def compared(self) -> int:
        """How many checksums there are in a sample."""
        return sum(layer.compared and layer.group == layer.index for layer in self.layers)


def run_with_layers(
    link: Link, plan: Plan, inputs: Inputs, content: bytes, timeout: float
) -> tuple[Answer, tuple[int, ...]]:
    """One inference, and the layers whose checksums are wrong. What is wrong is run again and must come out the same.

    content: the sample as it is sent. Raises TinygenError.
    """
    layers = layers_of(plan)
    expected = expected_sums(layers, _values(plan.program.graph, inputs))
    answer, sums = _infer(link, content, timeout, len(layers))
    for _ in range(_TRIES):
        wrong = tuple(i for i, (e, s) in enumerate(zip(expected, sums, strict=True)) if e is not None and e != s)
        if not wrong:
            return answer, ()
        before = sums
        answer, sums = _infer(link, content, timeout, len(layers))
        if sums == before:
            return answer, wrong
    raise TinygenError(
        f"{plan.program.graph.name}: the board computes something else each time, for the same sample",
        "is its power supply good, and its memory free of other uses (interrupts, DMA)?",
    )


def _infer(link: Link, content: bytes, timeout: float, count: int) -> tuple[Answer, tuple[int, ...]]:
    for _ in range(_TRIES):
        answer = link.infer(content, timeout)
        sums = link.layer_sums(count, answer.outputs)
        if sums is not None:
            return answer, sums
    raise TinygenError("the board forgets its checksums: it is reset again and again", "look at its power supply")


def judge_layers(
    link: Link,
    plan: Plan,
    samples: Sequence[Inputs],
    wrong: Sequence[tuple[int, ...]],
    infer: Callable[[int], Answer],
) -> LayersRun:
    """Count what is wrong, and find the first wrong element of the first wrong layer of the first such sample.

    wrong: the wrong layers of each sample. infer(sample) runs it again. Raises TinygenError.
    """
    layers = layers_of(plan)
    counts = tuple(sum(layer.index in found for found in wrong) for layer in layers)
    sample = next((i for i, found in enumerate(wrong) if found), None)
    if sample is None:
        return LayersRun(layers, counts, None)
    layer, graph = layers[wrong[sample][0]], plan.program.graph

    def look(row: int, offset: int) -> Watched:
        for _ in range(_TRIES):
            seen = link.watch(layer.group, row, offset)
            if seen is not None:
                return seen
            infer(sample)
        raise TinygenError("the board forgets what to watch: it is reset again and again", "look at its power supply")

    value = _values(graph, samples[sample])[layer.tensor]
    element = find_wrong(layer, graph.tensors[layer.tensor], value, look)
    # of layers that write parts of the same rows, the last one stands for the operator
    named = next((x for x in reversed(layers) if x.group == layer.group), layer)
    return LayersRun(layers, counts, WrongLayer(sample, named, element))


def _values(graph: Graph, inputs: Inputs) -> dict[int, Array]:
    return reference.run_all(graph, inputs)

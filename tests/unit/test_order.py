"""The order of operators: as good as the best of all orders, counted out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.random import Generator

from tests.support.c_build import compile_plans
from tests.support.compare import difference
from tests.support.tflite_builder import ModelBuilder
from tinygen import reference
from tinygen.ir import Graph
from tinygen.kernels import build_program
from tinygen.load.tflite import parse_tflite
from tinygen.plan import make_plan
from tinygen.plan.order import ordered
from tinygen.verify import verify


def _random_graph(rng: Generator, operators: int, name: str) -> Graph:
    """Convolutions and additions of tensors of many sizes, all of what is left at the end being outputs."""
    b = ModelBuilder()
    tensors = [b.input((1, 4, 4, 2), 0.1)]
    used: set[int] = set()
    for _ in range(operators):
        a, c = (tensors[i] for i in rng.integers(0, len(tensors), 2))
        used |= {a, c} if b.shape(a) == b.shape(c) and rng.random() < 0.5 else {a}
        if c in used and b.shape(a) == b.shape(c):
            y = b.tensor(b.shape(a), 0.1)
            b.op("ADD", [a, c], [y], fusedActivationFunction=0)
        else:
            channels = int(rng.choice((1, 2, 8, 20)))
            y = b.tensor((1, 4, 4, channels), 0.1)
            weights = b.constant(rng.integers(-9, 9, (channels, 1, 1, b.shape(a)[3])).astype(np.int8), 0.1)
            b.op("CONV_2D", [a, weights], [y], strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1, padding=0)
        tensors.append(y)
    outputs = [t for t in tensors[1:] if t not in used] or tensors[-1:]
    return verify(parse_tflite(b.build(outputs), name, name))


def _orders(graph: Graph, done: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    """All orders in which the operators can run."""
    if len(done) == len(graph.ops):
        yield done
    known = set(graph.inputs) | {t for i in done for t in graph.ops[i].outputs}
    for index, op in enumerate(graph.ops):
        if index not in done and all(t in known or graph.tensors[t].data is not None for t in op.inputs):
            yield from _orders(graph, (*done, index))


def _peak(graph: Graph, order: Sequence[int]) -> int:
    alive, peak = set(graph.inputs), 0
    for position, index in enumerate(order):
        op = graph.ops[index]
        alive |= set(op.outputs)
        peak = max(peak, sum(graph.tensors[t].nbytes for t in alive))
        later = {t for i in order[position + 1 :] for t in graph.ops[i].inputs} | set(graph.outputs)
        alive &= later
    return peak


def _order_of(graph: Graph) -> list[int]:
    steps = ordered(build_program(graph)).steps
    return list(dict.fromkeys(graph.ops.index(step.op) for step in steps))


@pytest.mark.parametrize("seed", range(20))
def test_no_order_is_better(seed: int) -> None:
    graph = _random_graph(np.random.default_rng(seed), 6, "small")
    best = min(_peak(graph, order) for order in _orders(graph))
    assert _peak(graph, _order_of(graph)) == best


def test_results_stay(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    graphs = [_random_graph(rng, 9, f"graph_{i}") for i in range(12)]
    changed = [graph for graph in graphs if _order_of(graph) != sorted(_order_of(graph))]
    assert len(changed) >= 3
    models = compile_plans([make_plan(build_program(g), "speed") for g in changed], tmp_path)
    for graph in changed:
        sample = rng.integers(-128, 128, (1, 4, 4, 2)).astype(np.int8)
        assert not difference(models[graph.name].run([sample]), reference.run(graph, [sample]))

"""Sequences of inferences with the variables kept in between: TFLM = numpy = C; and NAME_reset() begins anew."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.exact.cases import NIGHTLY, Case, cases
from tests.exact.generators_state import GENERATORS
from tests.support.c_build import CModel, compile_graphs, plan_of
from tests.support.compare import difference
from tests.support.everything_state import shared_model, state_model
from tests.support.tflm import Tflm, needs_tflm
from tinygen import reference
from tinygen.ir import Array, DType, Graph
from tinygen.kernels import build_program
from tinygen.load.tflite import parse_tflite
from tinygen.passes import run_passes
from tinygen.plan.schedule import streamable, writers
from tinygen.plan.state import state_offsets
from tinygen.verify import verify

COUNT = 200 if NIGHTLY else 24
INFERENCES = 20


def _sequence(graph: Graph, seed: int, count: int = INFERENCES) -> list[tuple[Array, ...]]:
    """Random samples one after the other; a few of them are extreme, so that memories saturate."""
    rng = np.random.default_rng(seed)
    tensors = [graph.tensors[i] for i in graph.inputs]
    limits = [np.iinfo("int8" if t.dtype is DType.FLOAT32 else t.dtype.value) for t in tensors]
    return [
        tuple(
            (
                rng.choice((limit.min, limit.max), t.shape)
                if rng.random() < 0.2
                else rng.integers(limit.min, limit.max, t.shape, endpoint=True)
            ).astype(t.dtype.value)
            for t, limit in zip(tensors, limits, strict=True)
        )
        for _ in range(count)
    ]


def _complaint(model: CModel, tflite: bytes, sequence: list[tuple[Array, ...]], tflm: Tflm) -> str:
    """What differs in a sequence without reset, "" if nothing."""
    model.reset()
    got = {
        "numpy": reference.run_sequence(model.graph, sequence),
        "C": [model.run(sample, keep_state=True) for sample in sequence],
    }
    for number, wanted in enumerate(tflm.run(tflite, sequence, keep_state=True)):
        for who, outputs in got.items():
            if found := difference(outputs[number], wanted):
                return f"inference {number}: {who} {found} (TFLM)"
    return ""


def _changes(graph: Graph, sequence: list[tuple[Array, ...]]) -> bool:
    """Whether what came before matters to an output."""
    kept = reference.run_sequence(graph, sequence)
    return any(difference(kept[n], reference.run(graph, sample)) for n, sample in enumerate(sequence))


@needs_tflm
@pytest.mark.parametrize("kind", GENERATORS)
def test_sequences(kind: str, tmp_path: Path) -> None:
    chosen = cases(kind, COUNT)
    models = compile_graphs([case.graph for case in chosen], tmp_path, ("-O3",))
    sequences = [_sequence(case.graph, index) for index, case in enumerate(chosen)]
    with Tflm() as tflm:
        wrong = [
            f"{case}\n    {complaint}"
            for case, sequence in zip(chosen, sequences, strict=True)
            if (complaint := _complaint(models[case.name], case.tflite, sequence, tflm))
        ]
    assert not wrong, "\n".join(wrong[:5])
    assert sum(_changes(c.graph, s) for c, s in zip(chosen, sequences, strict=True)) > 0.8 * len(chosen)


@needs_tflm
def test_every_operator_in_one_model(tmp_path: Path) -> None:
    content = state_model()
    graph = verify(parse_tflite(content, "state", "state"))
    model = compile_graphs([graph], tmp_path)["state"]
    with Tflm() as tflm:
        assert not _complaint(model, content, _sequence(graph, 1, 50), tflm)


@needs_tflm
def test_layers_that_share_a_variable(tmp_path: Path) -> None:
    """The first must have taken all its steps before the second begins: they cannot be streamed together."""
    content = shared_model()
    graph = verify(parse_tflite(content, "shared", "shared"))
    program = plan_of(graph).program
    alone = build_program(replace(graph, ops=graph.ops[:1], outputs=(graph.ops[0].outputs[0],)))
    assert not streamable(program, writers(program), 0, 0)
    assert streamable(alone, writers(alone), 0, 0)
    with Tflm() as tflm:
        assert not _complaint(compile_graphs([graph], tmp_path)["shared"], content, _sequence(graph, 3), tflm)


@pytest.mark.parametrize("kind", GENERATORS)
def test_reset_begins_anew(kind: str, tmp_path: Path) -> None:
    """After any number of inferences, and also before the first, without a call."""
    chosen: tuple[Case, ...] = cases(kind, 8)
    models = compile_graphs([case.graph for case in chosen], tmp_path)
    for index, case in enumerate(chosen):
        model, sequence = models[case.name], _sequence(case.graph, index, 5)
        first = [model.run(sample, keep_state=True) for sample in sequence]
        model.reset()
        again = [model.run(sample, keep_state=True) for sample in sequence]
        for one, two, wanted in zip(first, again, reference.run_sequence(case.graph, sequence), strict=True):
            assert not difference(one, wanted), case.name
            assert not difference(two, wanted), case.name


def test_variables_are_read_in_place_only_where_they_stay() -> None:
    """Streaming layers read them before they change; among variables that change places, some reads must copy."""

    def in_place(kind: str) -> set[bool]:
        ops = [op for case in cases(kind, COUNT) for op in run_passes(case.graph).ops if op.kind == "READ_VARIABLE"]
        return {op.options.in_place for op in ops}

    assert in_place("READ_VARIABLE") == {True}
    assert in_place("ASSIGN_VARIABLE") == {True, False}


def test_variables_lie_apart(tmp_path: Path) -> None:
    """Two SVDFs: their states do not overlap, and are no part of the arena."""
    graph = verify(parse_tflite(state_model(), "state", "state"))
    plan = plan_of(graph)
    variables = plan.program.graph.variables
    spans = sorted((offset, graph.tensors[t].nbytes) for t, offset in state_offsets(plan.program.graph).items())
    assert all(start + size <= following for (start, size), (following, _) in pairwise(spans))
    assert plan.state_bytes == spans[-1][0] + spans[-1][1]
    assert set(state_offsets(plan.program.graph)) == set(variables)
    assert all(p.buffer.key not in variables for p in plan.placed if p.buffer.role == "tensor")

"""Indices that come from outside are untrusted: those that point outside pick the nearest there is, and nothing beyond
the tensor is ever read; what TFLM defines of them is the same here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.exact.cases import cases
from tests.support.c_build import compile_graphs, plan_of
from tests.support.compare import difference
from tests.support.everything_int32 import words_model
from tests.support.tflite_builder import ModelBuilder
from tests.support.tflm import Refused, Tflm, needs_tflm
from tinygen import reference
from tinygen.errors import TinygenError
from tinygen.ir import Array, Graph
from tinygen.load.tflite import parse_tflite
from tinygen.verify import verify

_EXTREME = np.array([0, -1, 1, 5, 100, -100, 1 << 30, -(1 << 30), (1 << 31) - 1, -(1 << 31)], np.int32)
_SANITIZED = ("-fsanitize=undefined", "-fsanitize-undefined-trap-on-error")
KINDS = ("EMBEDDING_LOOKUP", "GATHER", "GATHER_ND")


def _outside(graph: Graph, rng: np.random.Generator) -> list[Array]:
    """Inputs with indices anywhere; where the data are int32 themselves they do no harm either."""
    tensors = [graph.tensors[i] for i in graph.inputs]
    return [
        rng.choice(_EXTREME, t.shape)
        if t.dtype.value == "int32"
        else rng.integers(0, 100, t.shape).astype(t.dtype.value)
        for t in tensors
    ]


def _has_numbers(graph: Graph) -> bool:
    return any(graph.tensors[i].dtype.value == "int32" for i in graph.inputs)


@pytest.mark.parametrize("kind", KINDS)
def test_indices_outside(kind: str, tmp_path: Path) -> None:
    """Guard bytes around the memory are looked at where kernels run in rings; here the numbers count."""
    chosen = [case for case in cases(kind, 40) if _has_numbers(case.graph)]
    models = compile_graphs([case.graph for case in chosen], tmp_path, _SANITIZED)
    rng = np.random.default_rng(0)
    for case in chosen:
        sample = _outside(case.graph, rng)
        assert not (complaint := difference(models[case.name].run(sample), reference.run(case.graph, sample))), (
            f"{case}: C {complaint}"
        )
    assert len(chosen) > 10


def test_the_nearest_is_picked() -> None:
    b = ModelBuilder()
    words, tokens = b.constant(np.arange(10, dtype=np.int8).reshape(5, 2), 0.5), b.input((10,), None, dtype="int32")
    y = b.tensor((10, 2), 0.5)
    b.op("GATHER", [words, tokens], [y], axis=0)
    graph = verify(parse_tflite(b.build([y]), "words", "words"))
    (got,) = reference.run(graph, [_EXTREME])
    assert got[:, 0].tolist() == [0, 0, 2, 8, 8, 0, 8, 0, 8, 0]


@needs_tflm
def test_gather_nd_beyond_an_axis() -> None:
    """TFLM looks only whether the slice lies in the tensor; it stops where it does not."""
    b = ModelBuilder()
    x, indices = b.input((3, 5, 2), 0.5), b.input((4, 2), None, dtype="int32")
    y = b.tensor((4, 2), 0.5)
    b.op("GATHER_ND", [x, indices], [y])
    content = b.build([y])
    graph = verify(parse_tflite(content, "nd", "nd"))
    data = np.arange(30, dtype=np.int8).reshape(3, 5, 2)
    inside = np.array([[0, 7], [2, -9], [1, 9], [-1, 5]], np.int32)
    outside = np.array([[0, 15], [2, 5], [-1, 4], [1 << 30, 1 << 30]], np.int32)
    with Tflm() as tflm:
        assert not difference(reference.run(graph, [data, inside]), tflm.run(content, [[data, inside]])[0])
        with pytest.raises(Refused):
            tflm.run(content, [[data, outside]])
    assert reference.run(graph, [data, outside])[0][:, 0].tolist() == [28, 28, 0, 28]


def test_words_of_any_number(tmp_path: Path) -> None:
    graph = verify(parse_tflite(words_model(), "words", "words"))
    model = compile_graphs([graph], tmp_path, _SANITIZED)["words"]
    rng = np.random.default_rng(0)
    for _ in range(20):
        sample = [rng.choice(_EXTREME, (1, 5))]
        assert not difference(model.run(sample), reference.run(graph, sample))


def _indices(kind: str, dtype: str, values: list[int] | None = None) -> Graph:
    b = ModelBuilder()
    x = b.input((5, 2), 0.5)
    where = b.input((3, 1), None, dtype=dtype) if values is None else b.constant(np.array(values, dtype)[:, None])
    y = b.tensor((3, 2) if kind == "GATHER_ND" else (3, 1, 2), 0.5)
    b.op(kind, [x, where], [y])
    return parse_tflite(b.build([y]), "m", "m")


@pytest.mark.parametrize("kind", ["GATHER", "GATHER_ND"])
def test_refused(kind: str) -> None:
    with pytest.raises(TinygenError, match="int64, int32 expected") as caught:
        verify(_indices(kind, "int64"))
    assert caught.value.hint == "give that input of the model the type int32"
    with pytest.raises(TinygenError, match="float32, int32 expected"):
        verify(_indices(kind, "float32"))
    with pytest.raises(TinygenError, match="out of range"):
        verify(_indices(kind, "int32", [0, 5, 1]))
    assert plan_of(_indices(kind, "int64", [0, 4, 1])).steps

"""REDUCE_PROD, which TFLM does not have, against the real product in whole numbers; of float32, against float64."""

from __future__ import annotations

from fractions import Fraction
from math import prod
from pathlib import Path

import numpy as np
import pytest

from tests.exact.cases import cases
from tests.support.c_build import compile_graphs
from tests.support.compare import difference, distance
from tests.support.tflite_builder import ModelBuilder
from tinygen import reference
from tinygen.ir import Array, Graph
from tinygen.load.tflite import parse_tflite
from tinygen.ops._reduce import reduced_axes
from tinygen.verify import verify

_EXACT = 1 << 47  # products of steps up to here


def _groups(graph: Graph, values: Array) -> Array:
    """(outputs, factors)."""
    axes = reduced_axes(graph, graph.ops[0])
    kept = [i for i in range(values.ndim) if i not in axes]
    factors = prod(values.shape[a] for a in axes)
    return values.transpose(*kept, *axes).reshape(-1, factors)


@pytest.mark.parametrize("kind", ["REDUCE_PROD", "REDUCE_PROD int16"])
def test_of_quantized_numbers(kind: str) -> None:
    rounded = exact = 0
    for case in cases(kind):
        x, y = case.graph.required(case.graph.ops[0], 0), case.graph.output(case.graph.ops[0])
        limits = np.iinfo(y.dtype.value)
        for (sample,) in case.samples:
            (got,) = reference.run(case.graph, [sample])
            for row, answer in zip(_groups(case.graph, sample).tolist(), got.reshape(-1).tolist(), strict=True):
                steps = prod(q - x.zero_point for q in row)
                real = steps * Fraction(x.scale) ** len(row) / Fraction(y.scale)
                nearest = int(abs(real) + Fraction(1, 2)) * (1 if real >= 0 else -1)
                wanted = min(max(nearest + y.zero_point, int(limits.min)), int(limits.max))
                is_close = abs(abs(real) % 1 - Fraction(1, 2)) < Fraction(1, 10**6)
                assert answer == wanted or (abs(steps) > _EXACT and is_close and abs(answer - wanted) == 1), str(case)
                rounded += abs(wanted) not in (0, int(limits.max))
                exact += abs(steps) <= _EXACT
    assert rounded > 300
    assert exact > 300


def test_of_floats() -> None:
    for case in cases("REDUCE_PROD float32", 20):
        for (sample,) in case.samples:
            with np.errstate(all="ignore"):
                wanted = np.prod(_groups(case.graph, sample).astype(np.float64), axis=1).astype(np.float32)
            (got,) = reference.run(case.graph, [sample])
            assert not distance([got.reshape(-1)], [wanted])


@pytest.mark.parametrize("count", [1, 3, 64, 4096])
def test_many_factors_and_halves(count: int, tmp_path: Path) -> None:
    """What has few bits stays exact however many factors there are, so halves are rounded away from zero."""
    b = ModelBuilder()
    x, y = b.input((6, count), 1.0), b.tensor((6,), 4.0)
    b.op("REDUCE_PROD", [x, b.constant(np.array([1], np.int32))], [y], keepDims=False)
    graph = verify(parse_tflite(b.build([y]), "m", "m"))
    sample = np.ones((6, count), np.int8)
    sample[:, 0] = [1, 2, -2, 6, -10, -128]
    sample[4, -1] = -1 if count > 1 else -10
    sample[5] = -128 if count > 1 else 0
    (got,) = reference.run(graph, [sample])
    assert got[:4].tolist() == [0, 1, -1, 2]
    assert got[4] == (3 if count > 1 else -3)
    flags = ("-fsanitize=undefined", "-fsanitize-undefined-trap-on-error")
    assert not difference(compile_graphs([graph], tmp_path, flags)["m"].run([sample]), [got])

"""SELECT, REDUCE_ANY and REDUCE_ALL, which TFLM does not have, against numpy's own rules; and what SELECT refuses that
SELECT_V2 takes."""

from __future__ import annotations

import numpy as np
import pytest

from tests.exact.cases import cases
from tests.support.tflite_builder import ModelBuilder
from tinygen import reference
from tinygen.errors import TinygenError
from tinygen.load.tflite import parse_tflite
from tinygen.ops._movement import integers
from tinygen.verify import verify


@pytest.mark.parametrize("kind", ["SELECT", "SELECT float32", "SELECT int32", "SELECT_V2 int32"])
def test_select(kind: str) -> None:
    alike = 0
    for case in cases(kind):
        op, dtype = case.graph.ops[0], case.graph.output(case.graph.ops[0]).dtype.value
        for sample in case.samples:
            values = dict(zip(case.graph.inputs, sample, strict=True))
            condition, first, second = (values.get(i, case.graph.tensors[i].data) for i in op.inputs)
            expected = np.array([a if c else b for c, a, b in np.nditer([condition, first, second])], dtype)
            assert (reference.run(case.graph, sample)[0].reshape(-1) == expected).all()
        alike += condition.shape == first.shape
    assert 2 < alike < len(cases(kind)) - 2


@pytest.mark.parametrize("kind", ["REDUCE_ALL", "REDUCE_ANY"])
def test_reductions_of_bools(kind: str) -> None:
    for case in cases(kind):
        axes = {int(a) % len(case.samples[0][0].shape) for a in integers(case.graph, case.graph.ops[0], 1)}
        for (sample,) in case.samples:
            kept = [i for i in range(sample.ndim) if i not in axes]
            groups = sample.transpose(*kept, *axes).reshape(-1, int(np.prod([sample.shape[a] for a in axes])))
            wanted = [(False not in group) if kind == "REDUCE_ALL" else (True in group) for group in groups.tolist()]
            assert reference.run(case.graph, [sample])[0].reshape(-1).tolist() == wanted


@pytest.mark.parametrize("condition", [(3,), (2, 1)])
def test_select_does_not_broadcast(condition: tuple[int, ...]) -> None:
    b = ModelBuilder()
    inputs = [b.input(condition, None, dtype="bool"), b.input((2, 3), 0.5), b.input((2, 3), 0.5)]
    y = b.tensor((2, 3), 0.5)
    b.op("SELECT", inputs, [y])
    with pytest.raises(TinygenError, match="does not choose"):
        verify(parse_tflite(b.build([y]), "m", "m"))

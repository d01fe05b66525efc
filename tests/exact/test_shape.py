"""SHAPE and what converters put behind it: all computed here, nothing of it in the program."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.support.c_build import compile_graphs
from tests.support.compare import difference
from tests.support.tflite_builder import ModelBuilder
from tests.support.tflm import Tflm, needs_tflm
from tinygen import reference
from tinygen.errors import TinygenError
from tinygen.load.tflite import parse_tflite
from tinygen.passes import run_passes
from tinygen.verify import verify


def _flattened() -> bytes:
    """A Flatten as Keras exports it with an open batch: (-1, all the rest) with the batch read at run time."""
    b = ModelBuilder()
    x = b.input((1, 4, 3, 2), 0.5, 3)
    relu = b.tensor((1, 4, 3, 2), 0.25, -128)
    b.op("RELU", [x], [relu])
    shape, batch, packed = (b.tensor(s, dtype="int32") for s in ((4,), (), (2,)))
    b.op("SHAPE", [relu], [shape], outType=2)
    zero, one = (b.constant(np.array([n], np.int32)) for n in (0, 1))
    b.op("STRIDED_SLICE", [shape, zero, one, one], [batch], shrinkAxisMask=1)
    b.op("PACK", [batch, b.constant(np.array(24, np.int32))], [packed], valuesCount=2)
    flat, y = b.tensor((1, 24), 0.25, -128), b.tensor((1, 5), 0.5, 4)
    b.op("RESHAPE", [relu, packed], [flat])
    weights = b.constant(np.arange(-60, 60, dtype=np.int8).reshape(5, 24), 0.01)
    b.op("FULLY_CONNECTED", [flat, weights], [y], fusedActivationFunction=0)
    return b.build([y])


@needs_tflm
def test_a_reshape_by_the_shape(tmp_path: Path) -> None:
    content = _flattened()
    graph = run_passes(verify(parse_tflite(content, "flat", "flat.tflite")))
    assert Counter(op.kind for op in graph.ops) == {"RELU": 1, "RESHAPE": 1, "FULLY_CONNECTED": 1}
    rng = np.random.default_rng(0)
    samples = [[rng.integers(-128, 128, (1, 4, 3, 2)).astype(np.int8)] for _ in range(5)]
    c = compile_graphs([graph], tmp_path, ("-O1",))["flat"]
    with Tflm() as tflm:
        for sample, wanted in zip(samples, tflm.run(content, samples), strict=True):
            assert not difference(reference.run(graph, sample), wanted)
            assert not difference(c.run(sample), wanted)


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_a_shape_that_leaves_the_model(dtype: str) -> None:
    b = ModelBuilder()
    shape = b.tensor((2,), dtype=dtype)
    b.op("SHAPE", [b.input((1, 4), 0.5)], [shape], outType=2)
    with pytest.raises(TinygenError, match=r"SHAPE 'tensor_0': (an output of the model|the result is int64)"):
        verify(parse_tflite(b.build([shape]), "m", "m.tflite"))

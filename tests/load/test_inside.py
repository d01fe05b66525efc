"""Looking into a float model: the int8 model's tensors, by their names; and how far its layers are from them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.cli import REPOSITORY
from tests.support.models import small_model
from tinygen import reference
from tinygen.errors import TinygenError
from tinygen.ir import Array
from tinygen.load.worker_client import look_inside
from tinygen.pipeline import Compiled, compile_model
from tinygen.report import layer_error
from tinygen.report.layer_error import layer_errors
from tinygen.request import make_request
from tinygen.testset import make_test_set

KWS = REPOSITORY / "examples" / "kws" / "kws.h5"
# as the converter names them in the int8 model
POOL, SCORES = "kws_1/pool_1/AvgPool", "scores"


def test_the_tensors_of_a_keras_model() -> None:
    data = np.load(KWS.with_suffix(".npz"))
    x = data["x_test"][:20].astype(np.float32)
    found = look_inside(KWS, {"mfcc": x}, [SCORES, "no such tensor", "mfcc", POOL])
    assert sorted(found) == sorted([POOL, "mfcc", SCORES])
    assert np.array_equal(found["mfcc"].reshape(x.shape), x)
    assert found[POOL].min() >= 0 < found[POOL].max()
    assert np.mean(found[SCORES].reshape(20, 12).argmax(axis=1) == data["y_test"][:20]) >= 0.8


@pytest.fixture
def small(tmp_path: Path) -> Compiled:
    (tmp_path / "small.tflite").write_bytes(small_model())
    return compile_model(make_request(tmp_path / "small.tflite", None, None, {}, False), None, lambda stage: None)


def test_the_error_of_a_layer(small: Compiled, monkeypatch: pytest.MonkeyPatch) -> None:
    """A float model that gives what the int8 one does, but for one value."""
    tests = make_test_set(small, 2, lambda stage: None)
    graph = small.plan.program.graph
    output = graph.tensors[graph.outputs[0]]
    real = np.stack([reference.run(graph, inputs)[0] for inputs in tests.raw.inputs]) * np.float32(output.scale)
    floats = real.copy()
    floats[1, 0, 2] += 3.0

    def inside(path: Path, samples: dict[str, Array], names: Sequence[str], **options: Any) -> dict[str, Array]:
        assert [len(array) for array in samples.values()] == [2]
        return {output.name: floats}

    monkeypatch.setattr(layer_error, "look_inside", inside)
    keras = replace(small, request=replace(small.request, model=Path("small.h5")))
    (error,) = layer_errors(keras, tests, lambda stage: None).found
    assert error.layer.index == 0
    assert error.max_error == pytest.approx(3.0, abs=1e-4)
    assert error.largest == pytest.approx(np.abs(floats).max())
    assert error.snr_db == pytest.approx(10 * math.log10(float(np.square(floats).sum()) / 9), abs=1e-3)
    floats[1, 0, 2] = real[1, 0, 2]
    assert layer_errors(keras, tests, lambda stage: None).found[0].snr_db > 100


def test_why_there_is_nothing_to_compare(small: Compiled, monkeypatch: pytest.MonkeyPatch) -> None:
    tests = make_test_set(small, 2, lambda stage: None)
    assert layer_errors(small, tests, lambda stage: None).reason == "only an int8 model was given"

    def fails(*arguments: object, **options: object) -> dict[str, Array]:
        raise TinygenError("TensorFlow has crashed")

    monkeypatch.setattr(layer_error, "look_inside", fails)
    keras = replace(small, request=replace(small.request, model=Path("small.h5")))
    assert layer_errors(keras, tests, lambda stage: None).reason == "TensorFlow has crashed"
    monkeypatch.setattr(layer_error, "look_inside", lambda *arguments, **options: {})
    assert "no tensors" in layer_errors(keras, tests, lambda stage: None).reason

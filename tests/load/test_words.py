"""Models of words: their inputs stay whole numbers from the Keras file to the board, and images of uint8 do not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.cli import tinygen
from tinygen.errors import TinygenError
from tinygen.ir import Array, DType
from tinygen.load.tflite import load_tflite
from tinygen.load.worker_client import quantize_model
from tinygen.verify import verify

pytestmark = pytest.mark.tensorflow


def _data(path: Path, words: Array | None = None) -> str:
    rng = np.random.default_rng(0)
    known, pixels = rng.integers(0, 9, (30, 6)), rng.integers(0, 256, (30, 4)).astype(np.uint8)
    np.savez(path, words=known if words is None else words, pixels=pixels)
    return str(path)


@pytest.mark.parametrize("name", ["words", "words32", "words64"])
def test_words_are_int32(models: Path, tmp_path: Path, name: str) -> None:
    data = _data(tmp_path / "data.npz")
    quantize_model(models / f"{name}.keras", tmp_path / "m.tflite", data=data)
    graph = verify(load_tflite(tmp_path / "m.tflite", "m").graph)
    assert [(graph.tensors[i].name, graph.tensors[i].dtype) for i in graph.inputs] == [
        ("words", DType.INT32),
        ("pixels", DType.INT8),
    ]
    kinds = [op.kind for op in graph.ops]
    assert kinds.count("GATHER") == 1
    assert not {"LESS", "SELECT"} & set(kinds)


def test_on_the_host(models: Path, tmp_path: Path) -> None:
    """Two inputs of two types, from the data file over the serial protocol; random input knows the rows there are."""
    _data(tmp_path / "words.npz")
    command = ("test", "--board", "host", "--json", "--vectors", "v.npz", "-o", "p", models / "words.keras")
    result = tinygen(*command, "--data", "words.npz", cwd=tmp_path).json()
    assert result["pass"] is True
    assert result["bit_exact"] == result["outputs"] == 90
    assert result["snr_db"] > 20
    tflite = tmp_path / "p" / "model" / "words.tflite"
    for more in (("--data", "v.npz"), ()):
        again = tinygen("test", "--board", "host", "--json", "-o", "q", *more, tflite, cwd=tmp_path).json()
        assert again["pass"] is True
    header = (tmp_path / "p" / "lib" / "words" / "src" / "words.h").read_text()
    assert "void *words_input(int index);" in header
    assert "/* words: 1x6 int32 */" in header


def test_words_inside_a_model_without_data(models: Path, tmp_path: Path) -> None:
    report = tinygen("quantize", "--json", models / "words_inside.keras", cwd=tmp_path).json()
    assert [i["dtype"] for i in report["inputs"]] == ["int32"]
    assert report["random_calibration"] is True


def test_numbers_that_are_none(models: Path, tmp_path: Path) -> None:
    for wrong, text in (
        (np.full((30, 6), 9), "words has the number 9, the model knows 0 to 8"),
        (np.full((30, 6), -1), "words has the number -1, the model knows 0 to 8"),
        (np.full((30, 6), 0.5), "words takes whole numbers, and there is 0.5"),
    ):
        data = _data(tmp_path / "data.npz", words=wrong)
        with pytest.raises(TinygenError, match=text):
            quantize_model(models / "words.keras", tmp_path / "m.tflite", data=data)
    with pytest.raises(TinygenError, match="no int16 form of models whose inputs are whole numbers, as words"):
        quantize_model(models / "words.keras", tmp_path / "m.tflite", activations="int16")

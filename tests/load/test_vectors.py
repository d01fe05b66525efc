"""Vectors files: written by save_vectors, read back by load_data, refused where they do not belong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinygen.errors import TinygenError
from tinygen.load.data import load_data, save_vectors

SHAPES = {"left": (1, 3), "right": (1, 2)}
SHA = "ab" * 32


def vectors(**changes: Any) -> dict[str, Any]:
    random = np.random.default_rng(1)
    return {
        "model_sha256": SHA,
        "int8_inputs": {name: random.integers(-128, 128, (4, *s[1:]), np.int8) for name, s in SHAPES.items()},
        "int8_outputs": (random.integers(-128, 128, (4, 5), np.int8), random.integers(-128, 128, (4, 2), np.int8)),
        "test": {name: random.normal(size=(4, *s[1:])).astype(np.float32) for name, s in SHAPES.items()},
        "float_outputs": (random.normal(size=(4, 5)).astype(np.float32), np.ones((4, 2), np.float32)),
        "y_test": np.array([0, 1, 2, 1]),
        "labels": ("yes", "no", "nö"),
    } | changes


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "v.npz"
    written = vectors()
    save_vectors(path, **written)
    dataset = load_data(str(path), SHAPES, model_sha256=SHA)
    assert dataset.calibration is None
    assert dataset.model_sha256 == SHA
    assert dataset.labels == ("yes", "no", "nö")
    np.testing.assert_array_equal(dataset.y_test, [0, 1, 2, 1])
    assert dataset.int8_inputs is not None
    assert dataset.test is not None
    for name in SHAPES:
        np.testing.assert_array_equal(dataset.int8_inputs[name], written["int8_inputs"][name])
        np.testing.assert_array_equal(dataset.test[name], written["test"][name])
    for read, expected in ((dataset.int8_outputs, "int8_outputs"), (dataset.float_outputs, "float_outputs")):
        assert len(read) == 2
        for array, other in zip(read, written[expected], strict=True):
            assert array.dtype == other.dtype
            np.testing.assert_array_equal(array, other)
    first = path.read_bytes()
    save_vectors(path, **written)
    assert path.read_bytes() == first
    assert [p.name for p in tmp_path.iterdir()] == ["v.npz"]


def test_without_float_model(tmp_path: Path) -> None:
    path = tmp_path / "v.npz"
    save_vectors(path, **vectors(test=None, float_outputs=(), y_test=None, labels=()))
    dataset = load_data(str(path), SHAPES)
    assert dataset.float_outputs == ()
    assert dataset.y_test is None
    assert dataset.labels == ()
    assert dataset.test is dataset.int8_inputs


def test_wrong_pairing(tmp_path: Path) -> None:
    path = tmp_path / "v.npz"
    save_vectors(path, **vectors())
    with pytest.raises(
        TinygenError, match=r"made for another model \(int8 SHA-256 abababababab\.\.\., this one has cdcd"
    ):
        load_data(str(path), SHAPES, model_sha256="cd" * 32)
    with pytest.raises(TinygenError, match="has 2 inputs, the model 1"):
        load_data(str(path), {"left": (1, 3)})
    with pytest.raises(TinygenError, match="does not fit the model's input right"):
        load_data(str(path), {"left": (1, 3), "right": (1, 9)})


@pytest.mark.parametrize(
    "missing", ["model_sha256", "input_names", "int8_input_0", "int8_output_0", "float_output_0", "x_test_1"]
)
def test_incomplete(tmp_path: Path, missing: str) -> None:
    path = tmp_path / "v.npz"
    save_vectors(path, **vectors())
    with np.load(path) as file:
        arrays = {key: file[key] for key in file.files if key != missing}
    np.savez(path, **arrays)
    with pytest.raises(TinygenError, match="incomplete"):
        load_data(str(path), SHAPES)


def test_lengths_must_agree(tmp_path: Path) -> None:
    path = tmp_path / "v.npz"
    save_vectors(path, **vectors(int8_outputs=(np.zeros((3, 5), np.int8), np.zeros((4, 2), np.int8))))
    with pytest.raises(TinygenError, match="incomplete"):
        load_data(str(path), SHAPES)


def test_other_version(tmp_path: Path) -> None:
    path = tmp_path / "v.npz"
    save_vectors(path, **vectors())
    with np.load(path) as file:
        arrays = {key: file[key] for key in file.files}
    np.savez(path, **(arrays | {"tinygen_vectors": np.array(2)}))
    with pytest.raises(TinygenError, match="another version"):
        load_data(str(path), SHAPES)


def test_cannot_write(tmp_path: Path) -> None:
    with pytest.raises(TinygenError, match="cannot write"):
        save_vectors(tmp_path / "no" / "v.npz", **vectors())
    (tmp_path / "taken.npz").mkdir()
    with pytest.raises(TinygenError, match="cannot write"):
        save_vectors(tmp_path / "taken.npz", **vectors())
    assert [p.name for p in tmp_path.iterdir()] == ["taken.npz"]

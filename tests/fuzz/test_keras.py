"""Spoiled .h5 and .keras files: the child process says what is wrong with them, or dies; the user sees one error."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path
from random import Random

import numpy as np
import pytest

pytest.importorskip("h5py", reason="it comes with TensorFlow, which is not installed")
import h5py

from tests.fuzz.mutate_keras import spoil
from tinygen.errors import TinygenError
from tinygen.load import keras_file
from tinygen.load.keras_file import prepare
from tinygen.load.worker_client import quantize_model

_ROOT = Path(__file__).resolve().parents[2]
_MODEL = _ROOT / "examples" / "kws" / "kws.h5"
_NIGHTLY = "TINYGEN_NIGHTLY" in os.environ
_CHECKED = 3_000 if _NIGHTLY else 200
_CONVERTED = 60 if _NIGHTLY else 2
needs_tensorflow = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed"
)


@pytest.fixture(scope="module", params=["h5", "keras"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good file of either kind. The .keras one has the same configuration; its weights are never looked at here."""
    if request.param == "h5":
        return _MODEL
    path = tmp_path_factory.mktemp("model") / "kws.keras"
    with h5py.File(_MODEL, "r") as file:
        config = file.attrs["model_config"]
    with zipfile.ZipFile(path, "w") as target:
        target.writestr("config.json", config)
        target.writestr("metadata.json", '{"keras_version": "2.15.0"}')
        target.writestr("model.weights.h5", b"\0" * 5000)
    return path


def test_spoiled_files_are_checked(model: Path, tmp_path: Path) -> None:
    """A death by signal is an answer too (worker_client.py says so to the user), but a rare one."""
    seen: Counter[str] = Counter()
    done = 0
    while done < _CHECKED:
        command = [sys.executable, "-m", "tests.fuzz.keras_child", str(model), str(done), str(_CHECKED - done)]
        environment = os.environ | {"PYTHONPATH": str(_ROOT)}
        child = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, env=environment, timeout=300)
        lines = child.stdout.splitlines()
        assert not [line for line in lines if line not in ("ok", "refused")], child.stdout
        assert lines or child.returncode < 0, child.stderr
        seen.update(lines)
        seen["died"] += child.returncode < 0
        done += len(lines) + (child.returncode < 0)
    assert seen["ok"] > 0.2 * _CHECKED
    assert seen["refused"] > 0.1 * _CHECKED
    assert seen["died"] <= 0.02 * _CHECKED


@needs_tensorflow
def test_spoiled_files_are_converted_or_refused(tmp_path: Path) -> None:
    """The whole way through TensorFlow, for files that look right at first sight."""
    random, tried = Random(1), 0
    while tried < _CONVERTED:
        spoiled = tmp_path / "spoiled.h5"
        spoiled.write_bytes(spoil(_MODEL.read_bytes(), random, tmp_path))
        try:
            prepare(spoiled, tmp_path, allow_lambda=False)
        except TinygenError:
            continue
        tried += 1
        out = tmp_path / "out.tflite"
        try:
            quantize_model(spoiled, out)
            out.unlink()
        except TinygenError:
            assert not out.exists()


def test_a_zip_of_zeros(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that unpacks to a thousandfold is refused before it fills the disk."""
    monkeypatch.setattr(keras_file, "_LARGEST_UNPACKED", 20 << 20)
    path = tmp_path / "bomb.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("config.json", "{}")
        with target.open("model.weights.h5", "w", force_zip64=True) as weights:
            weights.write(bytes(24 << 20))
    assert path.stat().st_size < 1 << 16
    with pytest.raises(TinygenError, match="unpacks to 25165826 bytes"):
        prepare(path, tmp_path, allow_lambda=False)


def test_an_h5_of_zeros(tmp_path: Path) -> None:
    """Arrays that nobody ever wrote take no room in the file, but all of it in memory."""
    path = tmp_path / "bomb.h5"
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = "{}"
        for number in range(3):
            file.create_dataset(f"model_weights/{number}", (1 << 28,), np.float32, chunks=(1 << 16,))
    assert path.stat().st_size < 1 << 20
    with pytest.raises(TinygenError, match="unpacks to 3221225472 bytes"):
        prepare(path, tmp_path, allow_lambda=False)

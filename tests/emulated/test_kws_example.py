"""What `make demo` does, and what a user does next: the kws example from the .h5 to the verdicts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.cli import REPOSITORY, tinygen
from tinygen.load.tflite import load_tflite

KWS = REPOSITORY / "examples" / "kws" / "kws.h5"
# an import of it fails: what runs under this needs no TensorFlow
NO_TENSORFLOW = 'raise ImportError("no TensorFlow here")\n'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a built project, kws-host, and vectors.npz."""
    folder = tmp_path_factory.mktemp("kws")
    built = tinygen("build", "--board", "host", "--json", KWS, cwd=folder).json()
    assert built["fits"] is True
    assert built["arena_bytes"] <= 16000
    assert built["const_bytes"] < built["code_bytes"] + built["const_bytes"] == built["flash_bytes"]
    assert built["ram_bytes"] > built["arena_bytes"]
    return folder


def test_all_samples_on_the_host(folder: Path) -> None:
    result = tinygen("test", "--board", "host", "--json", "--vectors", "vectors.npz", KWS, cwd=folder).json()
    assert result["samples"] >= 1000
    assert result["bit_exact"] == result["outputs"] == 12 * result["samples"]
    assert result["pass"] is True
    assert result["top1_agreement"] >= 0.97
    assert 0.92 <= result["accuracy_float"] <= 0.98
    assert abs(result["accuracy_device"] - result["accuracy_float"]) <= 0.01
    assert result["snr_db"] > 20
    assert result["retries"] <= 5  # of a thousand: a busy computer may be late


@pytest.fixture
def vectors(folder: Path) -> Path:
    """What test_all_samples_on_the_host saved, or a few of it where that runs elsewhere."""
    if not (folder / "vectors.npz").exists():
        command = ("test", "--board", "host", "--samples", "200", "--vectors", "vectors.npz")
        assert tinygen(*command, KWS, cwd=folder).code == 0
    return folder / "vectors.npz"


def test_the_vectors_serve_an_emulated_stm32_without_tensorflow(folder: Path, vectors: Path, kws_tflite: Path) -> None:
    (folder / "without").mkdir()
    (folder / "without" / "tensorflow.py").write_text(NO_TENSORFLOW)
    result = tinygen(
        *("test", "--board", "qemu-stm32f405", "--samples", "30", "--json", "--data", vectors),
        kws_tflite,
        cwd=folder,
        env={"PYTHONPATH": f"{folder / 'without'}:{REPOSITORY}"},
    ).json()
    assert result["samples"] == 30
    assert result["bit_exact"] == result["outputs"] == 360
    assert result["pass"] is True
    assert result["top1_agreement"] >= 0.9
    assert result["accuracy_float"] >= 0.8


def test_200_samples_through_mlperfs_protocol(folder: Path, vectors: Path, kws_tflite: Path) -> None:
    """The samples of which the binary protocol brings the reference's outputs, to the bit."""
    command = ("test", "--board", "host", "--protocol", "mlperf", "--samples", "200", "--json", "-o", "mlperf")
    report = tinygen(*command, "--data", vectors, kws_tflite, cwd=folder).json()
    assert (report["equal"], report["samples"], report["model"]) == (200, 200, "kws")


def test_a_rebuild_uses_the_int8_model_again_and_is_the_same_to_the_byte(folder: Path, kws_tflite: Path) -> None:
    def generated() -> dict[str, bytes]:
        project = folder / "kws-host"
        return {p.name: p.read_bytes() for p in project.rglob("*") if p.is_file() and ".pio" not in p.parts}

    before = generated()
    again = tinygen("build", "--board", "host", KWS, cwd=folder)
    assert again.code == 0
    assert "TensorFlow" not in again.err
    assert generated() == before
    assert kws_tflite.read_bytes() == before["kws.tflite"]  # made for itself


def test_run_takes_raw_and_float_samples(folder: Path) -> None:
    data = np.load(KWS.with_suffix(".npz"))
    floats = data["x_test"][:6].astype(np.float32)
    np.save(folder / "x.npy", floats)
    report = tinygen(
        *("run", "--board", "host", "--json", "--input", "x.npy", "--output", "y.npy"), KWS, cwd=folder
    ).json()
    assert report["samples"] == 6
    scores = np.load(folder / "y.npy")
    assert scores.shape == (6, 12)
    assert scores.dtype == np.float32
    assert np.allclose(scores.sum(axis=1), 1, atol=0.05)
    graph = load_tflite(folder / "kws-host" / "model" / "kws.tflite", "kws").graph
    tensor = graph.tensors[graph.inputs[0]]
    raw = np.clip(np.round(floats / tensor.scale) + tensor.zero_point, -128, 127).astype(np.int8)
    np.save(folder / "raw.npy", raw)
    tinygen("run", "--board", "host", "--input", "raw.npy", "--output", "raw_y.npy", KWS, cwd=folder)
    raw_scores = np.load(folder / "raw_y.npy")
    assert raw_scores.dtype == np.int8
    assert np.array_equal((raw_scores.astype(np.float32) + 128) / 256, scores)


def test_the_labels_are_in_the_library(folder: Path) -> None:
    source = (folder / "kws-host" / "lib" / "kws" / "src" / "kws.c").read_text()
    for label in np.load(KWS.with_suffix(".npz"))["labels"]:
        assert f'    "{label}",' in source
    assert "kws_labels[top]" in (folder / "kws-host" / "src" / "main.c").read_text()

"""What `make demo` does, and what a user does next: the kws example from the .h5 to the verdicts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.cli import REPOSITORY, tinygen

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
    assert result["retries"] == 0


def test_the_vectors_make_the_same_verdicts_without_tensorflow(folder: Path) -> None:
    if not (folder / "vectors.npz").exists():
        tinygen("test", "--board", "host", "--vectors", "vectors.npz", KWS, cwd=folder)
    (folder / "without").mkdir(exist_ok=True)
    (folder / "without" / "tensorflow.py").write_text(NO_TENSORFLOW)
    result = tinygen(
        *("test", "--board", "host", "--json", "--data", "vectors.npz", "-o", "from_tflite"),
        folder / "kws-host" / "model" / "kws.tflite",
        cwd=folder,
        env={"PYTHONPATH": f"{folder / 'without'}:{REPOSITORY}"},
    ).json()
    assert result["bit_exact"] == result["outputs"] == 12 * result["samples"]
    assert result["top1_agreement"] >= 0.97
    assert result["accuracy_float"] is not None


def test_samples_on_the_emulated_stm32(folder: Path) -> None:
    result = tinygen("test", "--board", "qemu-stm32f405", "--samples", "30", "--json", KWS, cwd=folder).json()
    assert result["samples"] == 30
    assert result["bit_exact"] == result["outputs"] == 360
    assert result["pass"] is True


def test_a_rebuild_uses_the_int8_model_again_and_is_the_same_to_the_byte(folder: Path) -> None:
    def generated() -> dict[str, bytes]:
        project = folder / "kws-host"
        return {p.name: p.read_bytes() for p in project.rglob("*") if p.is_file() and ".pio" not in p.parts}

    before = generated()
    again = tinygen("build", "--board", "host", KWS, cwd=folder)
    assert again.code == 0
    assert "TensorFlow" not in again.err
    assert generated() == before
    fresh = tinygen("build", "--board", "host", "-o", "fresh/kws-host", KWS, cwd=folder)
    assert "TensorFlow" in fresh.err
    tflite = (folder / "fresh" / "kws-host" / "model" / "kws.tflite").read_bytes()
    assert tflite == before["kws.tflite"]


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
    scale, zero_point = _input_quantization(folder)
    raw = np.clip(np.round(floats / scale) + zero_point, -128, 127).astype(np.int8)
    np.save(folder / "raw.npy", raw)
    tinygen("run", "--board", "host", "--input", "raw.npy", "--output", "raw_y.npy", KWS, cwd=folder)
    raw_scores = np.load(folder / "raw_y.npy")
    assert raw_scores.dtype == np.int8
    assert np.array_equal((raw_scores.astype(np.float32) + 128) / 256, scores)


def _input_quantization(folder: Path) -> tuple[float, int]:
    report = tinygen("quantize", "--json", folder / "kws-host" / "model" / "kws.tflite", cwd=folder).json()
    return report["inputs"][0]["scale"], report["inputs"][0]["zero_point"]


def test_the_labels_are_in_the_library(folder: Path) -> None:
    source = (folder / "kws-host" / "lib" / "kws" / "src" / "kws.c").read_text()
    for label in np.load(KWS.with_suffix(".npz"))["labels"]:
        assert f'    "{label}",' in source
    assert "kws_labels[top]" in (folder / "kws-host" / "src" / "main.c").read_text()

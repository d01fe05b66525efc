"""The MLPerf Tiny .h5 files, Keras 2 and 3 alike, from the file to a firmware that computes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.emulated.test_reference_models import MODELS, needs_models
from tests.support.cli import tinygen

SHAPES = {
    "pretrainedResnet": (32, 32, 3),
    "str_ww_ref_model": (30, 1, 40),
    "vww_96": (96, 96, 3),
}


@needs_models
@pytest.mark.parametrize("model", SHAPES)
def test_h5_is_bit_exact(tmp_path: Path, model: str) -> None:
    np.save(tmp_path / "x.npy", np.random.default_rng(1).random((12, *SHAPES[model]), np.float32))
    options = ("--board", "qemu-cortex-m4", "--data", "x.npy", "--samples", "3", "--json")
    result = tinygen("test", *options, MODELS / f"{model}.h5", cwd=tmp_path).json()
    assert result["pass"] is True
    assert result["bit_exact"] == result["outputs"]
    assert result["snr_db"] > 5


@needs_models
def test_published_calibration_samples_are_found_by_their_shape(tmp_path: Path) -> None:
    data = MODELS / "calibration_samples.npz"
    report = tinygen("quantize", "--json", "--data", data, MODELS / "str_ww_ref_model.h5", cwd=tmp_path).json()
    assert report["calibration"].startswith("specs of calibration_samples.npz")
    assert [p.name for p in tmp_path.iterdir()] == ["str_ww_ref_model_int8.tflite"]


@needs_models
def test_without_data_the_accuracy_is_loudly_not_to_be_trusted(tmp_path: Path) -> None:
    options = ("--board", "qemu-cortex-m4", "--samples", "3", "--json")
    result = tinygen("test", *options, MODELS / "ad01.h5", cwd=tmp_path)
    assert result.json()["bit_exact"] == result.json()["outputs"] == 3 * 640
    assert "WARNING" in result.err
    assert "RANDOM" in result.err
    assert "not to be trusted" in result.err

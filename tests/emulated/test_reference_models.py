"""The MLPerf Tiny models, end to end: command line, PlatformIO, emulator, serial, verdict."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cli import REPOSITORY, tinygen

MODELS = REPOSITORY.parent / "shared" / "models"
needs_models = pytest.mark.skipif(not MODELS.is_dir(), reason="the MLPerf Tiny models are not here (../shared/models)")

# a board with 128 KB of RAM where the model fits, else one with 4 MB
INT8 = {
    "kws_ref_model": "qemu-stm32f405",
    "pretrainedResnet_quant": "qemu-stm32f405",
    "vww_96_int8": "qemu-stm32f405",
    "ad01_int8": "qemu-stm32f405",
    "str_ww_ref_model": "qemu-stm32f405",
}
KERAS = {
    "ad01": "ad01",
    "pretrainedResnet": "pretrainedResnet",
    "str_ww_ref_model": "str_ww",
    "vww_96": "vww",
}


@needs_models
@pytest.mark.parametrize(
    ("model", "board", "samples"),
    [
        *((model, board, 5) for model, board in INT8.items()),
        ("ad01_int8", "qemu-cortex-m4", 5),
        *((model, "host", 50) for model in INT8),
    ],
)
def test_int8_model_is_bit_exact_over_serial(tmp_path: Path, model: str, board: str, samples: int) -> None:
    result = tinygen(
        "test", "--board", board, "--samples", str(samples), "--json", MODELS / f"{model}.tflite", cwd=tmp_path
    ).json()
    assert result["pass"] is True
    assert result["samples"] == samples
    assert result["bit_exact"] == result["outputs"] > 0
    assert result["accuracy_float"] is None
    assert result["snr_db"] is None

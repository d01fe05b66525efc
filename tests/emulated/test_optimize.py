"""Every plan and every kernel choice of the MLPerf Tiny models on an emulated Cortex-M4, to the bit over serial."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.exact.cases import NIGHTLY
from tests.support.cli import tinygen
from tests.support.reference_models import FIVE, MODELS, needs_models

# by day those that other tests of this board do not run, whose kernels differ most
_CHOSEN = [("kws_ref_model", "ram"), ("pretrainedResnet_quant", "speed"), ("vww_96_int8", "balanced")]
_ALL = [(model, optimize) for model in FIVE for optimize in ("ram", "balanced", "speed")]


@needs_models
@pytest.mark.parametrize(("model", "optimize"), _ALL if NIGHTLY else _CHOSEN)
def test_reference_models(model: str, optimize: str, tmp_path: Path) -> None:
    arguments = ["--board", "qemu-cortex-m4", "--optimize", optimize, "--samples", "2", "--json"]
    result = tinygen("test", *arguments, MODELS / f"{model}.tflite", cwd=tmp_path).json()
    assert result["pass"] is True
    assert result["bit_exact"] == result["outputs"] > 0

"""The int8 MLPerf Tiny models, which lie beside the repository or nowhere."""

from __future__ import annotations

import pytest

from tests.support.cli import REPOSITORY
from tinygen.ir import Graph
from tinygen.load.tflite import load_tflite

MODELS = REPOSITORY.parent / "shared" / "models"
FIVE = ("kws_ref_model", "pretrainedResnet_quant", "vww_96_int8", "ad01_int8", "str_ww_ref_model")
needs_models = pytest.mark.skipif(not MODELS.is_dir(), reason="the MLPerf Tiny models are not here (../shared/models)")


def reference_model(name: str) -> Graph:
    """One of FIVE, imported; the graph's name is the model's."""
    return load_tflite(MODELS / f"{name}.tflite", name).graph

"""What several of these files test with, and what is dear to make."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cli import REPOSITORY, tinygen


@pytest.fixture(scope="session")
def kws_tflite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The kws example quantized with its samples."""
    folder = tmp_path_factory.mktemp("kws_tflite")
    kws = REPOSITORY / "examples" / "kws" / "kws.h5"
    assert tinygen("quantize", "-o", "kws.tflite", kws, cwd=folder).code == 0
    return folder / "kws.tflite"

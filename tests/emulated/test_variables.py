"""A model with variables on boards: every sample is a run of its own, whatever ran before it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.cli import tinygen
from tests.support.compare import difference
from tests.support.everything_state import filter_model
from tests.support.models import small_model
from tinygen import reference
from tinygen.load.tflite import parse_tflite
from tinygen.verify import verify


@pytest.mark.parametrize("board", ["host", "qemu-stm32f405"])
def test_samples_are_independent(board: str, tmp_path: Path) -> None:
    content = filter_model()
    (tmp_path / "filter.tflite").write_bytes(content)
    result = tinygen("test", "--board", board, "--samples", "6", "--json", "filter.tflite", cwd=tmp_path).json()
    assert result["pass"] is True
    assert result["bit_exact"] == result["outputs"] == 18
    # what was compared would differ if anything of a sample were left for the next one
    graph = verify(parse_tflite(content, "filter", "filter"))
    rng = np.random.default_rng(2)
    samples = [[rng.integers(-128, 128, (1, 6)).astype(np.int8)] for _ in range(5)]
    kept = reference.run_sequence(graph, samples)
    assert sum(bool(difference(k, reference.run(graph, s))) for k, s in zip(kept, samples, strict=True)) == 4


@pytest.mark.parametrize("board", ["host", "qemu-cortex-m4-psram"])
def test_samples_are_independent_beside_another_model(board: str, tmp_path: Path) -> None:
    """The state is no part of the arena that the models share, and the tester sets back the model that is selected."""
    (tmp_path / "filter.tflite").write_bytes(filter_model())
    (tmp_path / "other.tflite").write_bytes(small_model())
    for names in (["filter", "other"], ["other", "filter"]):
        files = [f"{name}.tflite" for name in names]
        result = tinygen("test", "--board", board, "--samples", "6", "--json", *files, cwd=tmp_path).json()
        assert [model["model"] for model in result["models"]] == names
        assert all(model["bit_exact"] == model["outputs"] > 0 for model in result["models"])
        assert result["pass"] is True

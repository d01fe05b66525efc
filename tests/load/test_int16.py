"""`tinygen quantize --activations int16`, and what it says where it cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cli import tinygen

pytestmark = pytest.mark.tensorflow


def test_quantize(models: Path, tmp_path: Path) -> None:
    result = tinygen("quantize", models / "tiny.keras", "--activations", "int16", "--json", cwd=tmp_path).json()
    assert result["tflite"] == "tiny_int16.tflite"
    assert {border["dtype"] for border in (*result["inputs"], *result["outputs"])} == {"int16"}
    # what came out is a model for the other commands
    generated = tinygen("generate", "tiny_int16.tflite", "-o", "lib", "--json", cwd=tmp_path).json()
    assert generated["model_sha256"] == result["model_sha256"]
    assert "int16_t *tiny_int16_input" in (tmp_path / "lib" / "src" / "tiny_int16.h").read_text()


def test_an_lstm_is_unrolled(models: Path, tmp_path: Path) -> None:
    """The converter has no int16 form of the one operator that it becomes in int8."""
    result = tinygen("quantize", models / "lstm.keras", "--activations", "int16", "--json", cwd=tmp_path).json()
    assert result["recurrent"] == ["layer 'lstm': unrolled over 5 steps"]


def test_a_tflite_file_is_quantized_already(tmp_path: Path) -> None:
    (tmp_path / "x.tflite").write_bytes(b"")
    error = tinygen("generate", "x.tflite", "--activations", "int16", cwd=tmp_path).error()
    assert "quantized already" in error

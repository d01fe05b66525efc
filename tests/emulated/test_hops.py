"""Streaming over time on boards: each sample is a window, sent hop by hop; the last result is that of the whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.cli import tinygen
from tests.support.reference_models import MODELS, needs_models
from tests.support.tflite_builder import ModelBuilder


def _model() -> bytes:
    """13 frames, SAME and VALID convolutions, a dense layer."""
    rng = np.random.default_rng(3)
    b = ModelBuilder()
    x = b.input((1, 13, 2, 3), 0.1, -5)
    for padding, rows in ((0, 13), (1, 11)):
        y = b.tensor((1, rows, 2, 3), 0.1, 4)
        weights = b.constant(rng.integers(-127, 128, (3, 3, 1, 3)).astype(np.int8), 0.01)
        options = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
        b.op("CONV_2D", [x, weights], [y], padding=padding, **options)
        x = y
    flat, y = b.tensor((1, 66), 0.1, 4), b.tensor((1, 5), 0.1)
    b.op("RESHAPE", [x], [flat])
    b.op("FULLY_CONNECTED", [flat, b.constant(rng.integers(-127, 128, (5, 66)).astype(np.int8), 0.003)], [y])
    return b.build([y])


@pytest.mark.parametrize("board", ["host", "qemu-stm32f405", "qemu-cortex-m4"])
@pytest.mark.parametrize("hop", [1, 3])
def test_windows_in_hops(board: str, hop: int, tmp_path: Path) -> None:
    (tmp_path / "net.tflite").write_bytes(_model())
    arguments = ["--board", board, "--hop", str(hop), "--samples", "6", "--json", "net.tflite"]
    result = tinygen("test", *arguments, cwd=tmp_path).json()
    assert result["pass"] is True
    assert result["bit_exact"] == result["outputs"] == 30
    assert result["hops"] == -(-13 // hop)


def test_two_models_over_one_arena(tmp_path: Path) -> None:
    """They take turns; what each keeps lies in a memory of its own."""
    for name in ("one", "two"):
        (tmp_path / f"{name}.tflite").write_bytes(_model())
    arguments = ["--board", "qemu-cortex-m4", "--hop", "2", "--samples", "4", "--json", "one.tflite", "two.tflite"]
    result = tinygen("test", *arguments, cwd=tmp_path).json()
    assert result["pass"] is True
    assert [model["hops"] for model in result["models"]] == [7, 7]


@needs_models
@pytest.mark.parametrize(("name", "hop"), [("str_ww_ref_model", 1), ("kws_ref_model", 2)])
def test_reference_models(name: str, hop: int, tmp_path: Path) -> None:
    arguments = ["--board", "qemu-cortex-m4", "--samples", "3", "--json", MODELS / f"{name}.tflite"]
    whole = tinygen("test", *arguments, cwd=tmp_path).json()
    hops = tinygen("test", "--hop", str(hop), *arguments, cwd=tmp_path).json()
    assert whole["pass"] is True
    assert hops["pass"] is True
    assert hops["microseconds"] <= {1: 0.25, 2: 0.5}[hop] * whole["microseconds"]

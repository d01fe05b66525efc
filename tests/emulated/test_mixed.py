"""The cheapest mixture of int8 and int16 layers that keeps the accuracy, on an emulated board."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support.cli import REPOSITORY, tinygen


@pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed")
def test_the_mixture_that_target_drop_finds_is_exact(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.quantize.pairs", str(tmp_path), "difference"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    subprocess.run(command, check=True, capture_output=True, cwd=REPOSITORY, env=environment)
    with np.load(tmp_path / "difference.npz") as file:
        x, x_test = file["x"], file["x_test"]
    np.savez(tmp_path / "data.npz", x_calibration=x, x_test=x_test)
    arguments = ("difference.keras", "--data", "data.npz", "--target-drop", "5%", "-o", "mixed.tflite", "--json")
    found = tinygen("quantize", *arguments, cwd=tmp_path).json()["mixed"]
    chosen, everything, plain = found["chosen"], found["all_int16"], found["steps"][0]
    assert found["met"] is True
    assert plain["layers"] == []
    assert plain["drop"] > 0.2
    assert chosen["drop"] <= 0.05
    assert 0 < len(chosen["layers"]) < len(everything["layers"])
    assert chosen["arena_bytes"] < everything["arena_bytes"]
    assert chosen["const_bytes"] < everything["const_bytes"]
    arguments = ("mixed.tflite", "--data", "data.npz", "--samples", "50", "--json")
    on_board = tinygen("test", "--board", "qemu-cortex-m4", *arguments, cwd=tmp_path).json()
    assert on_board["bit_exact"] == on_board["outputs"] == 100

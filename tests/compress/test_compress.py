"""Channels that do nothing are found and removed without a trace; and `tinygen compress` as a user calls it."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from tests.exact.cases import NIGHTLY
from tests.support.cli import REPOSITORY, tinygen
from tinygen.cli import cli
from tinygen.cli.compress import palette_line
from tinygen.compress.cluster import nearest
from tinygen.compress.job import Palette


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip("TensorFlow is not installed")
    path = tmp_path_factory.mktemp("compress")
    command = [sys.executable, "-m", "tests.compress.models", str(path)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "KERAS_BACKEND": "tensorflow"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, env=environment)
    assert done.returncode == 0, done.stderr
    return path


@pytest.fixture(scope="module")
def found(folder: Path) -> Any:
    return json.loads((folder / "found.json").read_text())


def test_channels_that_do_nothing_go_without_a_trace(found: Any) -> None:
    """Through normalisations, depthwise layers, Flatten, sums and joins: four of each group."""
    assert found["separable"]["groups"] == [16, 16, 24]
    assert sorted(found["separable"]["widths"].values()) == [[16, 12], [16, 12], [24, 20]]
    # what is added goes from both layers together
    assert found["residual"]["groups"] == [8, 12, 16]
    assert sorted(found["residual"]["widths"].values()) == [[8, 4], [12, 8], [16, 12], [16, 12]]
    for name in ("separable", "residual"):
        assert found[name]["apart"] < 1e-4, name


def test_what_cannot_be_followed_stays(found: Any) -> None:
    for name in ("stubborn", "twice"):
        assert found[name] == {"apart": 0.0, "groups": [], "widths": {}}, name


def test_low_rank_only_where_it_wins(found: Any) -> None:
    assert found["low_rank"]["layers"] == {"thin": [30, 3]}
    assert found["low_rank"]["apart"] < 1e-4


@given(st.lists(st.floats(-100, 100, width=32), min_size=1, max_size=60), st.integers(2, 16))
def test_clusters(values: list[float], clusters: int) -> None:
    array = np.array(values, np.float32).reshape(-1, 1)
    moved = nearest(array, clusters)
    kept = np.unique(moved)
    assert moved.shape == array.shape
    assert moved.dtype == np.float32
    assert len(kept) <= clusters
    np.testing.assert_array_equal(np.abs(array - moved), np.abs(array - kept).min(1, keepdims=True))
    if len(np.unique(array)) == 1:
        np.testing.assert_array_equal(moved, array)


def test_a_palette_that_wins_nothing_is_told() -> None:
    assert "as before; palettes would take 516" in palette_line(Palette(16, 1, 1000, 1000, 516))
    assert "wins nothing in flash, a palette would take 1,256" in palette_line(Palette(256, 1, 1000, 1000, 1256))


def test_compress(folder: Path) -> None:
    """All steps in one; the file is a model like any other."""
    steps = ("--macs", "50%", "--low-rank", "90%", "--cluster", "16", "--steps", "150")
    report = tinygen("compress", "plain.keras", *steps, "-o", "small.h5", "--json", cwd=folder).json()
    before, pruned, low_rank, clustered = report["states"]
    assert [state["step"] for state in report["states"]] == ["float", "pruned", "low-rank", "clustered"]
    assert report["measure"] == "accuracy on 300 test samples"
    assert report["met"] is True
    assert pruned["macs"] <= 0.51 * before["macs"]
    assert low_rank["macs"] < pruned["macs"]
    for key in ("const_bytes", "instructions"):
        assert clustered[key] == low_rank[key] < pruned[key] < before[key]
    assert before["int8_score"] > 0.9
    assert min(pruned["int8_score"], low_rank["int8_score"]) > before["int8_score"] - 0.05
    assert clustered["int8_score"] > before["int8_score"] - 0.1
    assert {layer["layer"] for layer in report["pruned"]} <= {"first", "second", "dense"}
    assert [layer["layer"] for layer in report["low_rank"]] == ["dense"]
    assert report["palette"]["palette_bytes"] < report["palette"]["int8_bytes"] == report["palette"]["weights"]
    quantized = tinygen("quantize", "small.h5", "--data", "plain.npz", "-o", "small.tflite", "--json", cwd=folder)
    assert quantized.json()["quality"]["sqnr_db"] > 25


def test_a_target_out_of_reach(folder: Path) -> None:
    """Without fine-tuning there is no half of the model that is as good."""
    steps = ("--max-drop", "0.1%", "--macs", "5%", "--steps", "0")
    result = tinygen("compress", "plain.keras", *steps, "-o", "half.keras", "--json", cwd=folder)
    assert result.code == 1
    assert json.loads(result.out)["met"] is False
    assert "the target is not met" in result.err
    assert (folder / "half.keras").exists()


@pytest.mark.skipif(not NIGHTLY, reason="several rounds of fine-tuning: only with TINYGEN_NIGHTLY")
def test_as_small_as_the_accuracy_allows(folder: Path) -> None:
    steps = ("--max-drop", "2%", "--steps", "200", "-o", "least.keras", "--json")
    report = tinygen("compress", "plain.keras", *steps, cwd=folder, timeout=1200).json()
    before, *rounds = report["states"]
    kept = [now for now in rounds if before["int8_score"] - now["int8_score"] <= 0.02]
    assert report["met"] is True
    assert len(kept) >= 2
    assert kept == rounds[: len(kept)]
    assert kept[-1]["macs"] < 0.6 * before["macs"]
    again = tinygen("compress", "least.keras", "--data", "plain.npz", "--cluster", "256", "--json", cwd=folder).json()
    assert again["states"][0]["macs"] == kept[-1]["macs"]  # the file has the last round that was good enough


def test_wrong_calls(tmp_path: Path) -> None:
    keras, tflite = tmp_path / "model.keras", tmp_path / "model.tflite"
    keras.write_bytes(b"PK\x03\x04 no zip file")
    tflite.write_bytes(b"")

    def error(*arguments: str | Path) -> str:
        result = CliRunner().invoke(cli, ["compress", *map(str, arguments)])
        assert result.exit_code != 0
        return str(result.exception) + result.output

    assert "nothing to do" in error(keras)
    assert "quantized already" in error(tflite, "--macs", "60%")
    assert "needs samples" in error(keras, "--max-drop", "1%")
    assert "neither .keras nor .h5" in error(keras, "--macs", "60%", "-o", "small.tflite")
    assert "is not a part" in error(keras, "--macs", "160%")
    damaged = tinygen("compress", "model.keras", "--macs", "60%", "-o", "small.keras", cwd=tmp_path)
    assert "damaged" in damaged.error()
    assert not (tmp_path / "small.keras").exists()

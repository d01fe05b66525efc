"""--hop, as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.support.cli import tinygen
from tests.support.tflite_builder import ModelBuilder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With a model net.tflite of 20 frames and VALID convolutions."""
    b = ModelBuilder()
    x = b.input((1, 20, 1, 4), 0.1)
    for rows in (18, 16):
        y = b.tensor((1, rows, 1, 4), 0.1)
        weights = b.constant(np.full((4, 3, 1, 4), 7, np.int8), 0.1)
        b.op("CONV_2D", [x, weights], [y], strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1, padding=1)
        x = y
    y = b.tensor((1, 4), 0.1)
    b.op("MEAN", [x, b.constant(np.array([1, 2], np.int32))], [y], keepDims=False)
    (tmp_path / "net.tflite").write_bytes(b.build([y]))
    return tmp_path


def test_plan_shows_what_a_hop_computes(folder: Path) -> None:
    result = tinygen("plan", "--hop", "2", "net.tflite", cwd=folder)
    assert result.code == 0, result.err
    assert "hop: 2 new of 20 frames" in result.out
    assert "    1  CONV_2D                          2    16  14 to 15" in result.out
    made = tinygen("plan", "--hop", "2", "--json", "net.tflite", cwd=folder).json()
    assert made["hop"]["rows_computed"] == [2, 2, 16]
    assert (made["hop"]["frames"], made["hop"]["window"]) == (2, 20)
    assert made["state_bytes"] == max(k["offset"] + k["bytes"] for k in made["hop"]["kept"]) > 0
    assert tinygen("plan", "--json", "net.tflite", cwd=folder).json()["hop"] is None


def test_library(folder: Path) -> None:
    made = tinygen("generate", "--hop", "2", "--json", "net.tflite", cwd=folder)
    assert made.code == 0, made.err
    header = (folder / "net" / "src" / "net.h").read_text()
    for line in ("NET_HOP_FRAMES 2", "NET_WINDOW_FRAMES 20", "NET_INPUT_0_BYTES 8", "NET_STATE_BYTES "):
        assert f"#define {line}" in header
    assert "void net_reset(void);" in header


def test_project_records_the_hop(folder: Path) -> None:
    report = tinygen("build", "--board", "host", "--hop", "2", "-o", "p", "--json", "net.tflite", cwd=folder).json()
    assert report["state_bytes"] > 0
    assert json.loads((folder / "p" / "model" / "build.json").read_text())["net"]["hop"] == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--hop", "20"], "a hop of 20 frames"),
        (["--hop", "0"], "--hop"),
        (["--hop", "1", "--input", "rows"], "exclude each other"),
        (["--hop", "1", "--frontier"], "without --hop"),
    ],
)
def test_refused(arguments: list[str], says: str, folder: Path) -> None:
    assert says in tinygen("plan", *arguments, "net.tflite", cwd=folder).error()
    assert {p.name for p in folder.iterdir()} == {"net.tflite"}

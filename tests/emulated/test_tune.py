"""`tinygen tune` on an emulated board: never slower, within its memory, exact, and what it wrote is what is built."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.exact.cases import NIGHTLY
from tests.support.cli import tinygen
from tests.support.models import conv_model
from tests.support.reference_models import MODELS, needs_models

BOARD = "qemu-cortex-m4"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with conv.tflite, what tune said of it in report.json, and what it wrote beside the model."""
    folder = tmp_path_factory.mktemp("tune")
    (folder / "conv.tflite").write_bytes(conv_model())
    result = tinygen(
        *("tune", "--board", BOARD, "--max-arena", "40000", "--tries", "2", "--json", "conv.tflite"), cwd=folder
    )
    assert result.code == 0, result.err
    (folder / "report.json").write_text(result.out)
    return folder


def report(folder: Path) -> Any:
    return json.loads((folder / "report.json").read_text())


def test_it_is_faster_within_its_memory(folder: Path) -> None:
    """With room for them, 3x3 convolutions go by Winograd, which `balanced` does not offer by itself."""
    said = report(folder)
    assert said["metric"] == "cycles"
    assert said["after"] < 0.97 * said["before"]
    assert said["percent"] == pytest.approx(100 * (said["after"] / said["before"] - 1), abs=0.01)
    assert said["arena_bytes"] <= said["max_arena_bytes"] == 40000
    assert any("winograd" in kernel for kernel in said["kernels"])
    assert sorted(path.name for path in folder.iterdir()) == ["conv.tflite", "conv.tflite.tune.json", "report.json"]


def test_bench_takes_it(folder: Path) -> None:
    said = report(folder)
    tuned = tinygen("bench", "--board", BOARD, "--json", "conv.tflite", cwd=folder).json()
    assert (tuned["tuned"], tuned["cycles"], tuned["arena_bytes"]) == (True, said["after"], said["arena_bytes"])
    untuned = tinygen("bench", "--board", BOARD, "--json", "--tune", "none", "conv.tflite", cwd=folder).json()
    assert (untuned["tuned"], untuned["cycles"]) == (False, said["before"])


def test_the_board_computes_it_to_the_bit(folder: Path) -> None:
    result = tinygen("test", "--board", BOARD, "--samples", "5", "--json", "-o", "built", "conv.tflite", cwd=folder)
    assert result.json()["pass"] is True
    assert result.json()["arena_bytes"] == report(folder)["arena_bytes"]
    assert "winograd" in (folder / "built" / "lib" / "conv" / "src" / "conv.c").read_text()


def test_no_plan_is_small_enough(folder: Path) -> None:
    refused = tinygen(
        *("tune", "--board", BOARD, "--max-arena", "100", "-o", "x.json", "--json", "conv.tflite"), cwd=folder
    )
    assert "no plan of conv was found with an arena of 100 bytes" in refused.error()
    assert not (folder / "x.json").exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--board", "esp32", "--port", "/dev/ttyNone"), "there is no serial port /dev/ttyNone"),
        (("--board", "qemu-cortex-m4-psram"), "has several memories"),
    ],
)
def test_boards_that_cannot_be_tuned_for(tmp_path: Path, more: tuple[str, ...], message: str) -> None:
    (tmp_path / "conv.tflite").write_bytes(conv_model())
    assert message in tinygen("tune", *more, "conv.tflite", cwd=tmp_path).error()


@needs_models
@pytest.mark.skipif(not NIGHTLY, reason="takes minutes; make nightly does it")
@pytest.mark.parametrize("model", ["vww_96_int8", "kws_ref_model", "pretrainedResnet_quant"])
@pytest.mark.parametrize("optimize", ["ram", "balanced", "speed"])
def test_reference_models_never_become_slower(tmp_path: Path, model: str, optimize: str) -> None:
    arguments = ("--board", BOARD, "--optimize", optimize, "--tries", "3", "-o", tmp_path / "t.json", "--json")
    said = tinygen("tune", *arguments, MODELS / f"{model}.tflite", cwd=tmp_path, timeout=1500).json()
    assert said["after"] <= said["before"]
    assert said["arena_bytes"] <= said["arena_bytes_before"]

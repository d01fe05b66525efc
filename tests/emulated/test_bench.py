"""`tinygen bench`: exact counts are the same in every run, and a result that got worse is noticed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import REPOSITORY, tinygen
from tests.support.everything_state import filter_model
from tests.support.models import small_model
from tinygen.report.bench_result import BenchResult, changes

BOARD = "qemu-cortex-m4"
COMPARED = ("instructions", "arena_bytes", "code_bytes")
MODELS = REPOSITORY.parent / "shared" / "models"
needs_models = pytest.mark.skipif(not MODELS.is_dir(), reason="the MLPerf Tiny models are not here (../shared/models)")


def result_of(figures: dict[str, int]) -> BenchResult:
    """A result of which only what is compared matters."""
    instructions, arena_bytes, code_bytes = (figures[key] for key in COMPARED)
    return BenchResult("m", "0", BOARD, "ram", "gcc", instructions, arena_bytes, None, code_bytes, 0, 0, ())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with small.tflite, and what bench says of it in small.json."""
    folder = tmp_path_factory.mktemp("bench")
    (folder / "small.tflite").write_bytes(small_model())
    result = tinygen("bench", "--board", BOARD, "--per-layer", "--json", "small.tflite", cwd=folder)
    assert result.code == 0, result.err
    (folder / "small.json").write_text(result.out)
    return folder


def saved(folder: Path, **changed: Any) -> Path:
    """small.json with other values."""
    path = folder / "changed.json"
    path.write_text(json.dumps({**json.loads((folder / "small.json").read_text()), **changed}))
    return path


def test_the_figures_of_a_small_model(folder: Path) -> None:
    result = json.loads((folder / "small.json").read_text())
    assert result["macs"] == 12
    assert 12 < result["instructions"] < 1000
    (layer,) = result["layers"]
    assert layer["operator"] == "FULLY_CONNECTED"
    assert layer["macs"] == 12
    # beside the layer there are only the entry and the return; the hook's build moves a few
    assert abs(result["instructions"] - layer["instructions"]) < 20
    assert result["cycles"] is None
    assert result["cycles_source"] is None
    assert (result["board"], result["model"], result["optimize"]) == (BOARD, "small", "balanced")
    assert "gcc" in result["compiler"]
    assert result["arena_bytes"] > 0
    assert result["const_bytes"] > 0
    assert result["code_bytes"] > 0
    assert 0 < result["stack_bytes"] < 1000
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == []


def test_a_result_compares_with_itself(folder: Path) -> None:
    again = tinygen(
        *("bench", "--board", BOARD, "--json", "--compare", "small.json", "--tolerance", "0", "small.tflite"),
        cwd=folder,
    ).json()
    assert again["pass"] is True
    assert again["layers"] == []
    before = json.loads((folder / "small.json").read_text())
    assert {**before, "layers": []} == {key: again[key] for key in before}


def test_growth_is_a_failure(folder: Path) -> None:
    now = json.loads((folder / "small.json").read_text())
    path = saved(folder, **{key: now[key] * 100 // 105 for key in COMPARED})
    worse = tinygen("bench", "--board", BOARD, "--json", "--compare", path, "small.tflite", cwd=folder)
    assert worse.code == 1
    assert f"small is worse than {path}: " in worse.error()
    for key in COMPARED:
        assert f" {key} " in worse.error()
    report = json.loads(worse.out)
    assert report["pass"] is False
    assert report["instructions"] == now["instructions"]
    assert all(report["compared"][key]["percent"] > 4 for key in COMPARED)


@pytest.mark.parametrize("key", COMPARED)
def test_each_figure_has_the_tolerance(key: str) -> None:
    before = dict.fromkeys(COMPARED, 1000)
    (grown,) = [change for change in changes(before, result_of({**before, key: 1010})) if change.percent]
    assert grown.key == key
    assert grown.percent == 1.0
    assert not grown.regressed(1.0)
    assert grown.regressed(0.99)
    assert grown.regressed(float("nan"))
    (shrunk,) = [change for change in changes(before, result_of({**before, key: 900})) if change.percent]
    assert not shrunk.regressed(0.0)


def test_the_table_says_what_grew(folder: Path) -> None:
    path = saved(folder, instructions=1)
    result = tinygen("bench", "--board", BOARD, "--compare", path, "--tolerance", "1e9", "small.tflite", cwd=folder)
    assert result.code == 0
    for text in ("instructions per inference", "instructions per MAC", "before", "compiled with"):
        assert text in result.out


@pytest.mark.parametrize("key", ["compiler", "board", "model", "model_sha256", "optimize"])
def test_what_is_not_alike_is_not_compared(folder: Path, key: str) -> None:
    path = saved(folder, **{key: "another"})
    refused = tinygen("bench", "--board", BOARD, "--compare", path, "small.tflite", cwd=folder)
    assert f"cannot be compared: its {key} is 'another'" in refused.error()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"compiler": 1}', "[" * 100_000])
def test_a_file_that_is_no_result(folder: Path, content: str) -> None:
    (folder / "broken.json").write_text(content)
    refused = tinygen("bench", "--board", BOARD, "--compare", "broken.json", "small.tflite", cwd=folder)
    assert "broken.json" in refused.error()


@pytest.mark.parametrize("board", ["esp32", "host"])
def test_boards_that_cannot_count_are_refused(folder: Path, board: str) -> None:
    refused = tinygen("bench", "--board", board, "--json", "small.tflite", cwd=folder)
    assert "emulated Cortex-M boards only" in refused.error()
    assert "error" in json.loads(refused.out)


def test_a_model_with_variables(tmp_path: Path) -> None:
    (tmp_path / "filter.tflite").write_bytes(filter_model())
    result = tinygen("bench", "--board", BOARD, "--per-layer", "--json", "filter.tflite", cwd=tmp_path).json()
    assert result["instructions"] > 0
    assert sum(layer["instructions"] for layer in result["layers"]) == pytest.approx(result["instructions"], abs=50)


@needs_models
def test_the_board_does_not_matter_to_a_reference_model(tmp_path: Path) -> None:
    """Two boards of the same core with clocks of 25 and 168 MHz: the same count to the digit."""
    model = MODELS / "kws_ref_model.tflite"
    results = [
        tinygen("bench", "--board", board, "--optimize", "speed", "--json", *more, model, cwd=tmp_path).json()
        for board, *more in ((BOARD, "--per-layer"), ("qemu-stm32f405",))
    ]
    assert len({result["instructions"] for result in results}) == 1
    assert results[0]["instructions"] < 3_000_000
    layers = results[0]["layers"]
    assert sum(layer["macs"] for layer in layers) == results[0]["macs"] == 2_656_768
    assert sum(layer["instructions"] for layer in layers) == pytest.approx(results[0]["instructions"], abs=100)

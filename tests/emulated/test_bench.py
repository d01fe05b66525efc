"""`tinygen bench`: exact counts are the same in every run, and a result that got worse is noticed."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import REPOSITORY, tinygen
from tests.support.everything_state import filter_model
from tests.support.models import conv_model, small_model
from tinygen.bench import measure, measure_layers
from tinygen.boards import get_board
from tinygen.errors import TinygenError
from tinygen.pipeline import compile_model, write_board_project
from tinygen.report.bench_result import BenchResult, changes
from tinygen.request import make_request
from tinygen.stack import Stack
from tinygen.tester import board_with_tester

BOARD = "qemu-cortex-m4"
COMPARED = ("instructions", "cycles", "arena_bytes", "code_bytes")
MODELS = REPOSITORY.parent / "shared" / "models"
needs_models = pytest.mark.skipif(not MODELS.is_dir(), reason="the MLPerf Tiny models are not here (../shared/models)")


def result_of(figures: dict[str, int]) -> BenchResult:
    """A result of which only what is compared matters."""
    rest = {field.name: None for field in fields(BenchResult) if field.name not in COMPARED}
    return BenchResult(**{**rest, "cycles_source": "estimated", **figures})


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
    assert result["instructions"] < result["cycles"] < 3 * result["instructions"]
    assert result["cycles_source"] == layer["cycles_source"] == "estimated"
    assert "Cortex-M4 TRM" in result["cycles_by"]
    assert abs(result["cycles"] - layer["cycles"]) < 60
    assert result["microseconds"] is None
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
    before = {**dict.fromkeys(COMPARED, 1000), "cycles_source": "estimated"}
    (grown,) = [
        change for change in changes(before, result_of({**dict.fromkeys(COMPARED, 1000), key: 1010})) if change.percent
    ]
    assert grown.key == key
    assert grown.percent == 1.0
    assert not grown.regressed(1.0)
    assert grown.regressed(0.99)
    assert grown.regressed(float("nan"))
    (shrunk,) = [
        change for change in changes(before, result_of({**dict.fromkeys(COMPARED, 1000), key: 900})) if change.percent
    ]
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


def test_cycles_of_two_kinds_are_not_compared() -> None:
    now = result_of(dict.fromkeys(COMPARED, 1000))
    before: dict[str, Any] = {**dict.fromkeys(COMPARED, 1000), "cycles_source": "measured"}
    with pytest.raises(TinygenError, match="saved cycles are measured, here they are estimated"):
        changes(before, now)
    unknown = changes({**before, "cycles": None, "cycles_source": None}, now)
    assert [change.key for change in unknown] == ["instructions", "arena_bytes", "code_bytes"]


def test_a_real_board_needs_its_port(folder: Path) -> None:
    arguments = ("--board", "esp32", "--port", "/dev/ttyNone", "--json", "small.tflite")
    refused = tinygen("bench", *arguments, cwd=folder)
    assert "there is no serial port /dev/ttyNone" in refused.error()
    assert "error" in json.loads(refused.out)


def test_this_computer_tells_microseconds_alone(folder: Path) -> None:
    result = tinygen("bench", "--board", "host", "--per-layer", "--json", "small.tflite", cwd=folder).json()
    assert (result["instructions"], result["cycles"], result["cycles_source"]) == (None, None, None)
    assert 0 < result["microseconds"] < 1e6
    (layer,) = result["layers"]
    assert 0 <= layer["microseconds"] < 1e6
    assert layer["code_bytes"] is None
    assert "counts no cycles" in result["cycles_by"]


@pytest.mark.parametrize("emulated", [True, False])
def test_a_counter_on_the_board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, emulated: bool) -> None:
    """An emulated board taken for one with a counter of its own: SysTick, one tick for 40 instructions (25 MHz)."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conv.tflite").write_bytes(conv_model())
    monkeypatch.setattr("tinygen.bench.is_qemu", lambda board: False)
    board = get_board(BOARD)
    compiled = compile_model(
        make_request(tmp_path / "conv.tflite", None, None, {}, False), None, lambda text: None, board.kernels
    )
    write_board_project([compiled], board, tmp_path / "project")
    # what is flashed cannot be tried here: the emulator stands for the board that has been
    shown = replace(board, emulated=emulated)
    monkeypatch.setattr("tinygen.bench.board_with_tester", lambda _, *rest: board_with_tester(board, *rest))
    arguments = (compiled, shown, tmp_path / "project", None, Stack(None, ""), lambda line: None)
    found, layers = measure(*arguments), measure_layers(*arguments)
    assert found.cycles_source == ("emulator" if emulated else "measured")
    assert found.whole.instructions is None
    assert found.whole.cycles is not None
    assert found.whole.microseconds == pytest.approx(found.whole.cycles / 25)
    assert found.whole.cycles > 500
    cycles = [layer.cycles or 0 for layer in layers]
    assert len(cycles) == len(compiled.plan.steps) > 1
    assert min(cycles) > 0
    assert sum(cycles) == pytest.approx(found.whole.cycles, rel=0.02, abs=20)


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
    # where code lies decides which targets of jumps lie at odd halfwords
    assert results[0]["cycles"] == pytest.approx(results[1]["cycles"], rel=0.005)
    assert results[0]["instructions"] < 3_000_000
    layers = results[0]["layers"]
    assert sum(layer["macs"] for layer in layers) == results[0]["macs"] == 2_656_768
    assert sum(layer["instructions"] for layer in layers) == pytest.approx(results[0]["instructions"], abs=100)
    assert sum(layer["cycles"] for layer in layers) == pytest.approx(results[0]["cycles"], abs=300)
    for layer in layers:
        assert layer["code_bytes"] == sum(layer[f"{part}_bytes"] for part in ("kernel", "schedule", "parameter"))
        assert 0 < layer["arena_bytes"] <= results[0]["arena_bytes"]
        assert 0 < layer["stack_bytes"] <= results[0]["stack_bytes"]
    assert max(layer["arena_bytes"] for layer in layers) == results[0]["arena_bytes"]
    assert max(layer["stack_bytes"] for layer in layers) == results[0]["stack_bytes"]
    assert sum(layer["const_bytes"] for layer in layers) == results[0]["const_bytes"]
    assert sum(layer["parameter_bytes"] for layer in layers) == results[0]["parameter_bytes"]
    assert max(layer["kernel_bytes"] for layer in layers) <= results[0]["kernel_bytes"]
    assert sum(layer["schedule_bytes"] for layer in layers) <= results[0]["schedule_bytes"] + 4 * len(layers)
    parts = [results[0][f"{part}_bytes"] for part in ("kernel", "schedule", "parameter")]
    # the rest is the application and its runtime
    assert 0.5 < sum(parts) / results[0]["code_bytes"] < 1

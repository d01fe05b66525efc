"""Two models in one firmware, taking turns over one arena as large as the larger of them needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.emulated.test_models_of_several_inputs import two_by_two
from tests.emulated.test_reference_models import MODELS, needs_models
from tests.support.cli import tinygen
from tests.support.models import small_model
from tinygen.elf import symbol_sizes


@pytest.fixture
def small_ones(tmp_path: Path) -> Path:
    (tmp_path / "one.tflite").write_bytes(two_by_two())
    (tmp_path / "other.tflite").write_bytes(small_model())
    return tmp_path


def elf_of(project: Path, environment: str) -> Path:
    return project / ".pio" / "build" / environment / "firmware.elf"


@pytest.mark.parametrize("board", ["qemu-stm32f405", "host"])
def test_two_models_take_turns(small_ones: Path, board: str) -> None:
    result = tinygen(*["test", "--board", board, "--json", "one.tflite", "other.tflite"], cwd=small_ones).json()
    assert result["pass"] is True
    assert [model["model"] for model in result["models"]] == ["one", "other"]
    assert all(model["bit_exact"] == model["outputs"] > 0 for model in result["models"])
    assert result["arena_bytes"] == max(model["arena_bytes"] for model in result["models"])
    sizes = symbol_sizes(elf_of(small_ones / f"one-other-{board}", f"{board}_test"))
    assert {name: n for name, n in sizes.items() if name.endswith("arena")} == {
        "one_other_arena": result["arena_bytes"]
    }


@needs_models
def test_reference_models_take_turns(tmp_path: Path) -> None:
    names = ("kws_ref_model", "ad01_int8")
    files = [MODELS / f"{name}.tflite" for name in names]
    board = "qemu-stm32f405"
    result = tinygen("test", "--board", board, "--samples", "4", "--json", *files, cwd=tmp_path).json()
    assert result["pass"] is True
    assert [(m["model"], m["samples"]) for m in result["models"]] == [(name, 4) for name in names]
    alone = [tinygen("plan", "--board", board, "--json", file, cwd=tmp_path).json()["arena_bytes"] for file in files]
    assert [m["arena_bytes"] for m in result["models"]] == alone
    built = tinygen("build", "--board", board, "--json", *files, cwd=tmp_path).json()
    assert built["arena_bytes"] == result["arena_bytes"] == max(alone)
    sizes = symbol_sizes(elf_of(Path(tmp_path / built["project_dir"]), board))
    assert sizes["kws_ref_model_ad01_int8_arena"] == max(alone)


def test_a_rebuild_with_other_models(small_ones: Path) -> None:
    """The same folder for one model, then for two, then for one again."""
    for files in (["one.tflite"], ["one.tflite", "other.tflite"], ["one.tflite"]):
        result = tinygen("test", "--board", "host", "-o", "p", "--json", *files, cwd=small_ones).json()
        assert result["pass"] is True


def test_names_and_data_go_to_models_in_order(small_ones: Path) -> None:
    arguments = ["build", "--board", "host", "one.tflite", "other.tflite", "--json"]
    assert "2 models, but 1 times --name" in tinygen(*arguments, "--name", "a1", cwd=small_ones).error()
    assert "2 models, but 1 times --data" in tinygen(*arguments, "--data", "-", cwd=small_ones).error()
    assert "called 'a1'" in tinygen(*arguments, "--name", "a1", "--name", "a1", cwd=small_ones).error()
    assert "--input-shape" in tinygen(*arguments, "--input-shape", "1,2", cwd=small_ones).error()
    report = tinygen(*arguments, *["--name", "a1", "--name", "b1", "--data", "-", "--data", "-"], cwd=small_ones).json()
    assert [model["model"] for model in report["models"]] == ["a1", "b1"]
    assert report["project_dir"] == "a1-b1-host"
    assert all(model["recurrent"] == model["float_islands"] == [] for model in report["models"])
    assert "quantized already" in tinygen(*arguments, "--activations", "int16", cwd=small_ones).error()


@needs_models
def test_models_by_rows_take_turns(tmp_path: Path) -> None:
    """Between the rows of one model nothing of the other is run, though both use the arena."""
    names = ("vww_96_int8", "kws_ref_model")
    files = [MODELS / f"{name}.tflite" for name in names]
    arguments = ["--board", "qemu-stm32f405", "--input", "rows", "--json"]
    result = tinygen("test", *arguments, "--samples", "3", *files, cwd=tmp_path).json()
    assert result["pass"] is True
    assert all(model["bit_exact"] == model["outputs"] > 0 for model in result["models"])
    assert result["arena_bytes"] == max(model["arena_bytes"] for model in result["models"])

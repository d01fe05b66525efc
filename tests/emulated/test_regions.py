"""A model that does not fit the fast memory of its board: what is hot lies there, the rest in slow memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile

from tests.cli.test_size import dense
from tests.emulated.test_reference_models import MODELS, needs_models
from tests.support.cli import tinygen
from tests.support.tflite_builder import ModelBuilder
from tinygen.elf import symbol_sizes

BOARD = "qemu-cortex-m4-psram"
XIP, SRAM, PSRAM = 0x00200000, 0x20000000, 0x21000000


def addresses(elf: Path) -> dict[str, int]:
    with elf.open("rb") as stream:
        table = ELFFile(stream).get_section_by_name(".symtab")
        return {s.name: s["st_value"] for s in table.iter_symbols() if s["st_info"]["type"] == "STT_OBJECT"}


def large_image() -> bytes:
    """24 KB of input that two convolutions make small."""
    b = ModelBuilder()
    x = b.input((1, 64, 64, 6), 0.1)
    for channels in (8, 4):
        shape = b.shape(x)
        y = b.tensor((1, shape[1] // 2, shape[2] // 2, channels), 0.3)
        weights = b.constant(
            np.random.default_rng(channels).integers(-99, 99, (channels, 3, 3, shape[3])).astype(np.int8), 0.1
        )
        b.op("CONV_2D", [x, weights], [y], strideH=2, strideW=2, dilationHFactor=1, dilationWFactor=1, padding=0)
        x = y
    return b.build([x])


def check(model: Path, folder: Path, samples: int) -> dict[str, int]:
    """Build, test and compare the bytes by region; returns them."""
    built = tinygen("build", "--board", BOARD, "--json", model, cwd=folder).json()
    planned = tinygen("plan", "--board", BOARD, "--json", model, cwd=folder).json()
    assert built["regions"] == planned["regions"]
    used = {region["name"]: region["bytes"] for region in built["regions"]}
    assert built["arena_bytes"] == planned["arena_bytes"] == sum(used.values())
    assert built["fits"] is planned["fits"] is True
    assert used["SRAM"] <= built["ram_bytes"] <= built["board_ram_bytes"]
    tested = tinygen("test", "--board", BOARD, "--samples", str(samples), "--json", model, cwd=folder).json()
    assert tested["pass"] is True
    assert tested["bit_exact"] == tested["outputs"] > 0
    return used


def test_a_large_input_lies_in_slow_memory(tmp_path: Path) -> None:
    (tmp_path / "image.tflite").write_bytes(large_image())
    used = check(tmp_path / "image.tflite", tmp_path, 5)
    assert used["PSRAM"] == 64 * 64 * 6
    assert 0 < used["SRAM"] <= 16384
    elf = tmp_path / f"image-{BOARD}" / ".pio" / "build" / f"{BOARD}_test" / "firmware.elf"
    sizes, places = symbol_sizes(elf), addresses(elf)
    assert {name: sizes[f"arena_{name.lower()}"] for name in used} == used
    assert SRAM < places["arena_sram"] < SRAM + 24 * 1024
    assert places["arena_psram"] == PSRAM


def test_rows_that_are_pushed_into_slow_memory(tmp_path: Path) -> None:
    """Rows so long that a few of them do not fit the fast memory."""
    b = ModelBuilder()
    x = b.input((1, 6, 1500, 5), 0.1)
    y = b.tensor((1, 2, 500, 2), 0.3)
    weights = b.constant(np.random.default_rng(1).integers(-99, 99, (2, 3, 3, 5)).astype(np.int8), 0.1)
    b.op("CONV_2D", [x, weights], [y], strideH=3, strideW=3, dilationHFactor=1, dilationWFactor=1, padding=1)
    (tmp_path / "long.tflite").write_bytes(b.build([y]))
    arguments = ["--board", BOARD, "--input", "rows", "--json", "long.tflite"]
    result = tinygen("test", *arguments, cwd=tmp_path).json()
    assert result["pass"] is True
    used = [region["bytes"] for region in tinygen("build", *arguments, cwd=tmp_path).json()["regions"]]
    scratch = tinygen("plan", *arguments, cwd=tmp_path).json()["scratch_bytes"]
    assert used == [2 * 500 * 2 + scratch, 3 * 1500 * 5]


def test_what_fits_has_one_arena(tmp_path: Path) -> None:
    (tmp_path / "small.tflite").write_bytes(dense(100, 10))
    used = check(tmp_path / "small.tflite", tmp_path, 3)
    assert used["PSRAM"] == 0


def test_slow_memory_has_an_end_too(tmp_path: Path) -> None:
    b = ModelBuilder()
    shape = (1, 4, 4_250_000)
    x, y = b.input(shape, 0.1), b.tensor(shape, 0.1)
    b.op("RELU", [x], [y])
    (tmp_path / "huge.tflite").write_bytes(b.build([y]))
    result = tinygen("build", "--board", BOARD, "huge.tflite", cwd=tmp_path)
    assert "17,000,000 bytes of PSRAM, which has 16,777,216" in result.error()


@needs_models
def test_a_reference_model_is_split(tmp_path: Path) -> None:
    used = check(MODELS / "vww_96_int8.tflite", tmp_path, 3)
    assert used["PSRAM"] == 96 * 96 * 3  # its input; no activation
    assert used["SRAM"] <= 16384
    built = tinygen("build", "--board", BOARD, "--json", MODELS / "vww_96_int8.tflite", cwd=tmp_path).json()
    flash = {region["name"]: region["bytes"] for region in built["flash_regions"]}
    assert built["const_bytes"] <= sum(flash.values())
    assert 120_000 < flash["FLASH"] <= 131072 < built["flash_bytes"] <= built["board_flash_bytes"]
    elf = tmp_path / f"vww_96_int8-{BOARD}" / ".pio" / "build" / f"{BOARD}_test" / "firmware.elf"
    sizes, places = symbol_sizes(elf), addresses(elf)
    slow = [name for name, place in places.items() if name.startswith("vww_96_int8_layer") and place >= XIP]
    assert sum(sizes[name] for name in slow) <= flash["XIP"] < sum(sizes[name] for name in slow) + 4 * len(slow) + 1
    assert len(slow) > 1


@needs_models
@pytest.mark.parametrize("names", [("vww_96_int8", "kws_ref_model"), ("kws_ref_model", "ad01_int8")])
def test_two_models_share_both_memories(tmp_path: Path, names: tuple[str, str]) -> None:
    files = [MODELS / f"{name}.tflite" for name in names]
    result = tinygen("test", "--board", BOARD, "--samples", "2", "--json", *files, cwd=tmp_path).json()
    assert result["pass"] is True
    assert all(model["bit_exact"] == model["outputs"] > 0 for model in result["models"])
    built = tinygen("build", "--board", BOARD, "--json", *files, cwd=tmp_path).json()
    alone = [tinygen("plan", "--board", BOARD, "--json", file, cwd=tmp_path).json()["regions"] for file in files]
    most = [max(regions[i]["bytes"] for regions in alone) for i in range(2)]
    assert [region["bytes"] for region in built["regions"]] == most
    sizes = symbol_sizes(tmp_path / built["project_dir"] / ".pio" / "build" / BOARD / "firmware.elf")
    shared = {name: n for name, n in sizes.items() if name.startswith("_".join(names)) and "_arena" in name}
    assert sorted(shared.values()) == sorted(n for n in most if n)

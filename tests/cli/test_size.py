"""A model that does not fit its board: the table, the figures, and an error; before and after a build."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tests.support.cli import tinygen
from tests.support.tflite_builder import ModelBuilder


def dense(inputs: int, outputs: int) -> bytes:
    m = ModelBuilder()
    x = m.input((1, inputs), 0.5)
    w = m.constant(np.ones((outputs, inputs), np.int8), 0.1)
    y = m.tensor((1, outputs), 0.7)
    m.op("FULLY_CONNECTED", [x, w], [y])
    return m.build([y])


def test_an_arena_that_cannot_fit_is_not_even_built(tmp_path: Path) -> None:
    (tmp_path / "wide.tflite").write_bytes(dense(140_000, 1))
    result = tinygen(*["build", "--board", "qemu-stm32f405", "--json", "wide.tflite"], cwd=tmp_path)
    assert "does not fit qemu-stm32f405" in result.error()
    report = json.loads(result.out)
    assert report["fits"] is False
    assert report["arena_bytes"] >= 140_000 > report["board_ram_bytes"]
    assert report["ram_bytes"] is None
    assert not (tmp_path / "wide-qemu-stm32f405" / ".pio").exists()


def test_what_only_the_linker_can_see(tmp_path: Path) -> None:
    """The constants fill flash to the last bytes: there is no room for code."""
    (tmp_path / "tall.tflite").write_bytes(dense(1000, 1033))
    result = tinygen(*["build", "--board", "qemu-stm32f405", "--json", "tall.tflite"], cwd=tmp_path)
    assert "does not fit qemu-stm32f405" in result.error()
    report = json.loads(result.out)
    assert report["fits"] is False
    assert report["const_bytes"] < report["board_flash_bytes"]


def test_the_table_is_printed_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "wide.tflite").write_bytes(dense(140_000, 1))
    result = tinygen(*["build", "--board", "qemu-stm32f405", "wide.tflite"], cwd=tmp_path)
    assert "arena" in result.out
    assert "140,004" in result.out
    assert "does not fit" in result.error()


def test_plan_says_it_too(tmp_path: Path) -> None:
    (tmp_path / "wide.tflite").write_bytes(dense(30_000, 1))
    report = tinygen(*["plan", "--board", "bluepill_f103c8", "--json", "wide.tflite"], cwd=tmp_path).json()
    assert report["fits"] is False
    assert report["arena_bytes"] == report["lower_bound_bytes"] == 30_004
    assert "does not fit" in tinygen(*["plan", "--board", "bluepill_f103c8", "wide.tflite"], cwd=tmp_path).out

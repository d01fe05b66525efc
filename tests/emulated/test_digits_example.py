"""examples/digits_uno on an emulated Arduino Uno, from the .h5 to the verdicts and to cycles per MAC."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.avr import needs_avr
from tests.support.cli import REPOSITORY, tinygen

DIGITS = REPOSITORY / "examples" / "digits_uno" / "digits.h5"
BOARD = "simavr-uno"
pytestmark = needs_avr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a built project, digits-simavr-uno, and what `build --json` said in built.json."""
    folder = tmp_path_factory.mktemp("digits")
    built = tinygen("build", "--board", BOARD, "--json", DIGITS, cwd=folder)
    assert built.code == 0, built.err
    (folder / "built.json").write_text(built.out)
    return folder


def test_the_sketch_fits_with_its_stack(folder: Path) -> None:
    built = json.loads((folder / "built.json").read_text())
    assert built["fits"] is True
    assert built["stack_bytes"] < 300
    assert built["ram_bytes"] + built["stack_bytes"] < 1536
    assert built["flash_bytes"] < 18000


def test_over_serial_to_the_bit(folder: Path) -> None:
    result = tinygen("test", "--board", BOARD, "--samples", "50", "--json", DIGITS, cwd=folder).json()
    assert result["samples"] == 50
    assert result["bit_exact"] == result["outputs"] == 500
    assert result["top1_agreement"] >= 0.99
    assert result["accuracy_device"] >= 0.96
    assert result["pass"] is True


def test_cycles_per_mac(folder: Path, record_property: Callable[[str, object], None]) -> None:
    model = folder / "digits-simavr-uno" / "model" / "digits.tflite"
    result = tinygen("bench", "--board", BOARD, "--json", "--per-layer", model, cwd=folder).json()
    assert result["cycles_source"] == "emulator"
    assert result["instructions"] < result["cycles"] < 2 * result["instructions"]
    assert result["cycles"] / result["macs"] <= 12
    for key in ("instructions", "cycles"):
        assert sum(layer[key] for layer in result["layers"]) == pytest.approx(result[key], rel=0.01)
    kernels = [layer["kernel"] for layer in result["layers"]]
    assert kernels[:2] == ["conv_2d_s8_avr"] * 2
    record_property("exact", f"digits on an ATmega328P: {result['cycles'] / result['macs']:.2f} cycles per MAC")

"""`tinygen test --layers`: every layer of what ships, and a wrong weight in the image is found where it is."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from tests.emulated.test_reference_models import MODELS, needs_models
from tests.exact.networks import networks
from tests.support.cli import Result, tinygen
from tests.support.everything import everything_model
from tinygen.boards import get_board
from tinygen.emulator import running


def firmware(folder: Path, name: str, board: str) -> Path:
    return folder / f"{name}-{board}" / "layers" / ".pio" / "build" / f"{board}_test" / "firmware.elf"


def patched(elf: Path, symbol: str, share: float, flip: int) -> Path:
    """The image with one byte of a constant changed: `share` of the way through it."""
    with elf.open("rb") as stream:
        file = ELFFile(stream)
        table = file.get_section_by_name(".symtab")
        assert table is not None
        (found,) = table.get_symbol_by_name(symbol)
        section = file.get_section(found["st_shndx"])
        start = section["sh_offset"] + found["st_value"] - section["sh_addr"]
        position = start + int(share * found["st_size"])
    content = bytearray(elf.read_bytes())
    content[position] ^= flip
    target = elf.with_name(f"patched-{symbol}.elf")
    target.write_bytes(content)
    target.chmod(0o755)
    return target


def constants(elf: Path, name: str) -> dict[int, str]:
    """A constant of each layer that has weights, by the layer."""
    with elf.open("rb") as stream:
        table = ELFFile(stream).get_section_by_name(".symtab")
        assert table is not None
        names = [s.name for s in table.iter_symbols() if s.name.startswith(f"{name}_layer")]
    weights = [n for n in names if n.rpartition("_")[2] in ("weights", "stream")]
    return {int(n.removeprefix(f"{name}_layer").split("_")[0]): n for n in weights}


def on(board: str, elf: Path, folder: Path, model: Path, *options: str) -> Result:
    with running(get_board(board), elf) as url:
        return tinygen("test", "--board", board, "--port", url, "--layers", "--json", *options, model, cwd=folder)


def first_wrong(result: Result) -> dict[str, Any]:
    assert result.code == 1
    report = json.loads(result.out)
    assert report["pass"] is False
    found: dict[str, Any] = report["layers"]["first_wrong"]
    assert found["place"] is not None
    assert f"layer {found['layer']}, {found['operator']}" in result.error()
    assert f"first at {found['place']}: expected {found['expected']}, got {found['got']}" in result.error()
    return found


@pytest.mark.parametrize(("board", "optimize"), [("host", "ram"), ("qemu-cortex-m4", "balanced")])
def test_every_operator(board: str, optimize: str, tmp_path: Path) -> None:
    """Several inputs and outputs, images, concatenations, kernels that gather, variables."""
    (tmp_path / "m.tflite").write_bytes(everything_model(in_tflm=False))
    report = tinygen(
        *("test", "--board", board, "--layers", "--json", "--optimize", optimize, "--samples", "2", "m.tflite"),
        cwd=tmp_path,
    ).json()
    assert report["pass"] is True
    assert report["layers"]["compared"] > 60
    assert report["layers"]["first_wrong"] is None
    assert not any(report["layers"]["wrong_samples"])
    assert (report["microseconds"], report["stack_bytes"]) == (None, None)  # of the hooks, too


@needs_models
@pytest.mark.parametrize("options", [("--input", "rows"), ("--hop", "2")])
def test_the_ways_to_schedule_a_model(options: tuple[str, ...], tmp_path: Path) -> None:
    model = MODELS / "kws_ref_model.tflite"
    report = tinygen(
        *("test", "--board", "host", "--layers", "--json", "--samples", "2", *options, model), cwd=tmp_path
    ).json()
    assert report["pass"] is True
    assert report["layers"]["compared"] == len(report["layers"]["wrong_samples"])


def test_a_wrong_weight_is_found_in_its_layer(tmp_path: Path) -> None:
    """In each layer of a network that has weights, one after the other."""
    case = next(c for c in networks(20) if sum(op.kind in ("CONV_2D", "DEPTHWISE_CONV_2D") for op in c.graph.ops) > 2)
    model = tmp_path / "net.tflite"
    model.write_bytes(case.tflite)
    assert tinygen("test", "--board", "host", "--layers", "--samples", "3", model, cwd=tmp_path).code == 0
    elf = firmware(tmp_path, "net", "host")
    found = constants(elf, "net")
    assert len(found) > 2
    for layer, symbol in found.items():
        result = on("host", patched(elf, symbol, 0, 0x55), tmp_path, model, "--samples", "3")
        wrong = first_wrong(result)
        assert wrong["layer"] == layer
        assert wrong["place"].endswith("channel 0")
        assert wrong["expected"] != wrong["got"]


@needs_models
def test_a_wrong_weight_in_streamed_layers_of_an_emulated_board(tmp_path: Path) -> None:
    """Kernels of the board's core, layers streamed through rings of rows."""
    board, model = "qemu-cortex-m4", MODELS / "kws_ref_model.tflite"
    options = ("--samples", "2", "--optimize", "ram")
    passed = tinygen("test", "--board", board, "--layers", "--json", *options, model, cwd=tmp_path).json()
    assert passed["layers"]["compared"] == 12
    elf = firmware(tmp_path, "kws_ref_model", board)
    found = constants(elf, "kws_ref_model")
    layer = random.Random(1).choice(sorted(found)[2:-1])
    result = on(board, patched(elf, found[layer], 0.5, 0x7E), tmp_path, model, *options)
    wrong = first_wrong(result)
    assert wrong["layer"] == layer
    report = json.loads(result.out)
    assert report["layers"]["wrong_samples"][:layer] == [0] * layer
    assert report["layers"]["wrong_samples"][layer] == 2


def test_firmware_without_hooks_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tiny.tflite").write_bytes(networks(1)[0].tflite)
    assert tinygen("test", "--board", "host", "tiny.tflite", cwd=tmp_path).code == 0
    elf = tmp_path / "tiny-host" / ".pio" / "build" / "host_test" / "firmware.elf"
    assert "built without --layers" in on("host", elf, tmp_path, Path("tiny.tflite")).error()

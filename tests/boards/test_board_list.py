"""`tinygen boards`: its filters, and TOMLs made from what an installed PlatformIO platform says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_size import dense
from tests.support.cli import tinygen
from tests.support.models import small_model
from tinygen.board_file import new_board
from tinygen.boards import get_board, load_board
from tinygen.errors import TinygenError

NUCLEO: dict[str, Any] = {
    "build": {"core": "stm32", "cpu": "cortex-m4", "f_cpu": "80000000L", "mcu": "stm32l432kcu6"},
    "frameworks": ["stm32cube", "arduino"],
    "name": "Nucleo L432KC",
    "upload": {"maximum_ram_size": 65536, "maximum_size": 262144, "protocol": "stlink"},
    "vendor": "ST",
}
FEATHER: dict[str, Any] = {
    "build": {
        "arduino": {"partitions": "default_8MB.csv"},
        "f_cpu": "240000000L",
        "hwids": [["0x239a", "0x811B"]],
        "mcu": "esp32s3",
    },
    "frameworks": ["arduino", "espidf"],
    "name": "A Feather with a name that is a good deal longer than what a column has room for",
    "upload": {"maximum_ram_size": 327680, "maximum_size": 8388608},
}


@pytest.fixture
def core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A core directory of PlatformIO with a platform of three boards."""
    folder = tmp_path / "core" / "platforms" / "some"
    (folder / "boards").mkdir(parents=True)
    (folder / "platform.json").write_text(json.dumps({"name": "some", "version": "1.2.3"}))
    odd = {**NUCLEO, "build": {**NUCLEO["build"], "cpu": "z80"}}
    for name, content in (("nucleo", NUCLEO), ("feather", FEATHER), ("odd", odd), ("empty", {})):
        (folder / "boards" / f"{name}.json").write_text(json.dumps(content))
    monkeypatch.setenv("PLATFORMIO_CORE_DIR", str(tmp_path / "core"))
    return tmp_path / "core"


def test_a_board_from_its_platform(core: Path, tmp_path: Path) -> None:
    result = tinygen("boards", "new", "nucleo", cwd=tmp_path)
    assert result.code == 0, result.err
    board = load_board(tmp_path / "nucleo.toml")
    assert (board.platform, board.board, board.framework, board.core) == (
        "some@1.2.3",
        "nucleo",
        "arduino",
        "cortex-m4",
    )
    assert (board.ram_bytes, board.flash_bytes, board.clock_hz) == (65536, 262144, 80_000_000)
    assert board.upload_protocol == "stlink"
    assert board.flags == get_board("nucleo_l476rg").flags
    assert "is there already" in tinygen("boards", "new", "nucleo", cwd=tmp_path).error()
    (tmp_path / "m1.tflite").write_bytes(small_model())
    plan = tinygen("plan", "--board", "nucleo.toml", "--json", "m1.tflite", cwd=tmp_path).json()
    assert (plan["board"], plan["fits"]) == ("nucleo", True)


def test_an_esp32_has_what_its_chip_leaves(core: Path, tmp_path: Path) -> None:
    (tmp_path / "feather.toml").write_text(new_board("feather"))
    board = load_board(tmp_path / "feather.toml")
    assert board.ram_bytes == get_board("esp32s3").ram_bytes < 327680
    assert (board.flash_bytes, board.upload_protocol, board.usb) == (0x330000, "esptool", ("239A:811B",))


@pytest.mark.parametrize(
    ("board_id", "said"),
    [
        ("nowhere", r"no installed PlatformIO platform has a board 'nowhere' \(installed: some@1.2.3\)"),
        ("../platform", "no installed PlatformIO platform has a board"),
        ("odd", "a core that tinygen knows nothing of: z80"),
        ("empty", "lacks what is needed: 'build'"),
    ],
)
def test_what_cannot_be_made(core: Path, board_id: str, said: str) -> None:
    with pytest.raises(TinygenError, match=said):
        new_board(board_id)


def test_a_broken_platform(core: Path) -> None:
    (core / "platforms" / "some" / "boards" / "nucleo.json").write_text("{")
    with pytest.raises(TinygenError, match="is broken"):
        new_board("nucleo")


def test_filters(tmp_path: Path) -> None:
    names = {b["name"] for b in tinygen("boards", "--family", "avr", "--real", "--json", cwd=tmp_path).json()}
    assert names == {"uno", "nano", "mega2560"}
    found = tinygen("boards", "--core", "cortex-m7", "--emulated", "--json", cwd=tmp_path).json()
    assert [b["name"] for b in found] == ["qemu-cortex-m7"]
    assert "no such board" in tinygen("boards", "--core", "z80", cwd=tmp_path).error()


def test_which_boards_a_model_fits(tmp_path: Path) -> None:
    (tmp_path / "wide.tflite").write_bytes(dense(140_000, 1))
    (tmp_path / "small.tflite").write_bytes(small_model())
    both = tinygen("boards", "--fits", "wide.tflite", "--fits", "small.tflite", "--json", cwd=tmp_path).json()
    names = {b["name"] for b in both}
    # 140,000 bytes of input, in one piece, and as many of constants
    assert {"esp32cam", "esp32s3", "nucleo_h743zi", "pico", "host", "qemu-cortex-m3"} <= names
    assert not {"uno", "nucleo_f446re", "qemu-stm32f405", "esp32s2", "esp32"} & names
    assert all(b["arena_bytes"][0] >= 140_000 and b["arena_bytes"][1] < 100 for b in both)
    text = tinygen("boards", "--family", "avr", "--fits", "wide.tflite", cwd=tmp_path)
    assert "no board of these holds wide.tflite" in text.out

"""The boards' files: valid, consistent with the platform of the emulated ones, and clear when they are not."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest

from tinygen import resources
from tinygen.boards import EMULATED_PLATFORM_DIR, Board, get_board, load_board, load_boards
from tinygen.errors import TinygenError

EMULATED = tuple(board for board in load_boards() if board.emulated)
REAL = tuple(board for board in load_boards() if not board.emulated)
FIGURES = Path(__file__).parents[2] / "../shared/proofs/platformio/boards.txt"
GOOD = (resources.BOARDS / "uno.toml").read_text()


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads((resources.BOARDS / "schema.json").read_text()))


def test_the_boards_that_are_promised() -> None:
    assert len({board.name for board in REAL if not board.variant_of}) >= 16
    assert {board.core for board in REAL} >= {
        *("avr", "cortex-m0", "cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7"),
        *("esp32", "esp32s2", "esp32s3", "esp32c3", "esp32c6"),
    }
    assert {board.framework for board in REAL} == {"arduino", "espidf", "stm32cube"}
    assert {board.name for board in load_boards()} >= {
        "esp32",
        "nucleo_f446re",
        "bluepill_f103c8",
        "uno",
        "qemu-stm32f405",
        "qemu-cortex-m4",
        "simavr-uno",
        "simavr-mega2560",
        "host",
    }


@pytest.mark.parametrize("board", load_boards(), ids=lambda board: board.name)
def test_a_board_has_room_beside_its_stack(board: Board) -> None:
    assert board.stack_bytes < board.ram_bytes
    assert board.uart[-1].isalnum() or board.uart.endswith("://")
    assert bool(board.upload_protocol) != board.emulated
    assert bool(board.usb) != board.emulated


@pytest.mark.parametrize("board", EMULATED, ids=lambda board: board.name)
def test_an_emulated_board_agrees_with_its_platform(board: Board) -> None:
    manifest = json.loads((EMULATED_PLATFORM_DIR / "boards" / f"{board.board}.json").read_text())
    build, upload, emulator = manifest["build"], manifest["upload"], manifest["emulator"]
    assert (upload["maximum_ram_size"], upload["maximum_size"]) == (board.ram_bytes, board.flash_bytes)
    assert int(build["f_cpu"].rstrip("L")) == board.clock_hz
    assert (build["toolchain"], tuple(build["machine_flags"])) == (board.compiler, board.flags)
    assert set(board.apt) == set(build["apt"].split()) | set(emulator["apt"].split())
    assert board.emulator == tuple(emulator["argv"])
    if "ldscript" in build:
        script = (EMULATED_PLATFORM_DIR / "bsp" / build["ldscript"]).read_text()
        length = {name: 1024 * int(kib) for name, kib in re.findall(r"(\w+) +\(\w+\).*LENGTH = (\d+)K", script)}
        mib = re.search(r"FLASH.*LENGTH = (\d+)M", script)
        assert length["STACK"] == board.stack_bytes
        assert length["STACK"] + length["RAM"] == board.ram_bytes
        assert (1024 * 1024 * int(mib[1]) if mib else length["FLASH"]) == board.flash_bytes


@pytest.mark.parametrize("board", REAL, ids=lambda board: board.name)
def test_a_real_board_has_the_figures_of_its_platform(board: Board) -> None:
    """Against a list that was read from the real platforms' own files."""
    if not FIGURES.is_file():
        pytest.skip("the list of the platforms' figures is not on this machine (../shared)")
    name, version = board.platform.split("@")
    section = FIGURES.read_text().split(f"## {name} {version} ")[1].split("##")[0]
    line = next((line for line in section.splitlines() if line.startswith(f"| {board.board} |")), None)
    if line is None:
        pytest.skip(f"{board.board} is not in the list of the platforms' figures")
    _, _, _, core, clock, ram, flash, frameworks, *_ = (field.strip() for field in line.split("|"))
    assert board.framework in frameworks.split(",")
    assert int(clock.rstrip("L")) == board.clock_hz
    assert core in (board.core, "None")
    assert board.ram_bytes <= int(ram)
    assert board.flash_bytes <= int(flash)
    if not board.core.startswith("esp32"):
        assert (board.ram_bytes, board.flash_bytes) == (int(ram), int(flash))


def test_programs_are_what_must_be_on_path() -> None:
    assert get_board("qemu-stm32f405").programs == ("arm-none-eabi-gcc", "qemu-system-arm")
    assert get_board("host").programs == ("gcc",)
    assert get_board("esp32").programs == ()


@pytest.mark.parametrize(
    ("name", "near"), [("ESP32", "esp32"), ("nucleo", "nucleo_f446re"), ("qemu-stm32", "qemu-stm32f405")]
)
def test_an_unknown_board_names_the_closest(name: str, near: str) -> None:
    with pytest.raises(TinygenError, match=f"no board '{name}'") as e:
        get_board(name)
    assert re.search(rf"did you mean .*{near}", e.value.hint)
    assert e.value.exit_code == 2


def test_a_name_like_no_other_lists_all() -> None:
    with pytest.raises(TinygenError) as e:
        get_board("zzzzzz")
    assert e.value.hint.startswith("boards: ")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("ram_bytes = 2048", "", "'ram_bytes' is a required property"),
        ("ram_bytes = 2048", 'ram_bytes = "2 KB"', "ram_bytes: '2 KB' is not of type 'integer'"),
        ("ram_bytes = 2048", "ram_bytes = -1", "ram_bytes: -1"),
        ("ram_bytes = 2048", "ram_bites = 2048", "ram_bites"),
        ("atmelavr@5.2.0", "atmelavr", "platform: 'atmelavr'"),
        ('framework = "arduino"', 'framework = "mbed"', "framework: 'mbed'"),
        ('framework = "arduino"', 'framework = "stm32cube"', "have a [hal]"),
        ('usb = ["2341:0043"', 'usb = ["2341:43"', "usb/0: '2341:43'"),
        ('flags = ["-mmcu=atmega328p"]', 'flags = ["oops"]', "flags/0: 'oops'"),
        ("emulated = false", "emulated = true", "tinygen-emulated"),
        ("emulated = false", "emulated = false false", "cannot be read"),
    ],
)
def test_a_wrong_file_is_told_where(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    path = tmp_path / "mine.toml"
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(TinygenError, match=re.escape(said)) as e:
        load_board(path)
    assert "mine.toml" in str(e.value)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TinygenError, match="cannot be read"):
        load_board(path)

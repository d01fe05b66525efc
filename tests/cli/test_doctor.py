"""`tinygen doctor` without a model: what each board needs, and what is missing of it, with how to get it."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.support.cli import tinygen
from tinygen.boards import EMULATED_PLATFORM_DIR, get_board, load_boards
from tinygen.installed import needs_of

EMULATED = tuple(board for board in load_boards() if board.emulated)


def findings(*arguments: str, cwd: Path, path: Path | None = None) -> tuple[int, dict[str, dict[str, object]]]:
    env = None if path is None else {"PATH": str(path)}
    done = tinygen("doctor", "--json", *arguments, cwd=cwd, env=env)
    return done.code, {finding["what"]: finding for finding in json.loads(done.out)}


def without(folder: Path, *names: str) -> Path:
    """A PATH with all that is on this one but `names`."""
    folder.mkdir()
    for place in reversed(os.get_exec_path()):
        for program in Path(place).glob("*") if Path(place).is_dir() else ():
            if program.name not in names and not (folder / program.name).exists():
                (folder / program.name).symlink_to(program)
    return folder


def test_every_emulated_board_has_what_it_needs_here(tmp_path: Path) -> None:
    code, found = findings(cwd=tmp_path)
    assert code == 0
    assert {board.name for board in EMULATED} <= set(found)
    assert all(found[board.name]["ok"] for board in EMULATED), found
    assert found["simavr-uno"]["detail"] == (
        "avr-gcc, C library for avr-gcc, avr-g++, Arduino core for AVR, gcc, simavr's library and headers"
    )
    assert found["qemu-riscv32"]["detail"] == (
        "riscv64-unknown-elf-gcc, C library for riscv64-unknown-elf-gcc, qemu-system-riscv32"
    )


@pytest.mark.parametrize(
    ("board", "gone", "missing"),
    [
        ("qemu-cortex-m4", "qemu-system-arm", "missing: qemu-system-arm; "),
        ("qemu-riscv32", "riscv64-unknown-elf-gcc", "missing: riscv64-unknown-elf-gcc; "),
        ("simavr-mega2560", "avr-g++", "missing: avr-g++; "),
    ],
)
def test_a_program_that_is_missing(tmp_path: Path, board: str, gone: str, missing: str) -> None:
    path = without(tmp_path / "bin", gone)
    code, found = findings("--board", board, cwd=tmp_path, path=path)
    assert (code, found[board]["ok"]) == (1, False)
    how = f"{missing}on Debian or Ubuntu: sudo apt install {' '.join(get_board(board).apt)}"
    assert found[board]["detail"] == how


def test_nothing_of_a_board_is_always_needed(tmp_path: Path) -> None:
    code, found = findings(cwd=tmp_path, path=without(tmp_path / "bin", "avr-gcc"))
    assert (code, found["simavr-uno"]["ok"], found["host"]["ok"]) == (0, None, True)


@pytest.mark.parametrize(
    ("board", "program", "said", "what"),
    [
        ("qemu-cortex-m0", "arm-none-eabi-gcc", "stdint.h: No such file", "C library for arm-none-eabi-gcc"),
        ("qemu-riscv32", "riscv64-unknown-elf-gcc", "cannot read picolibc", "C library for riscv64-unknown-elf-gcc"),
        ("simavr-uno", "gcc", "cannot find -lsimavr", "simavr's library and headers"),
    ],
)
def test_a_library_that_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, board: str, program: str, said: str, what: str
) -> None:
    """A compiler without its library: it is found, and cannot compile."""
    broken = tmp_path / program
    broken.write_text(f"#!{sys.executable}\nimport sys\nsys.exit({said!r})\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert [need.what for need in needs_of(get_board(board)) if not need.found] == [what]


def test_an_arduino_core_that_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(EMULATED_PLATFORM_DIR / "boards", tmp_path / "boards")
    file = tmp_path / "boards" / "simavr_uno.json"
    file.write_text(file.read_text().replace("/usr/share/arduino", "/usr/share/nowhere"))
    monkeypatch.setattr("tinygen.installed.EMULATED_PLATFORM_DIR", tmp_path)
    assert [need.what for need in needs_of(get_board("simavr-uno")) if not need.found] == ["Arduino core for AVR"]


def test_a_real_board_needs_its_platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLATFORMIO_CORE_DIR", str(tmp_path / "core"))
    code, found = findings("--board", "esp32", cwd=tmp_path)
    assert (code, found["esp32"]["ok"]) == (0, None)
    assert "espressif32@6.13.0; PlatformIO downloads it" in str(found["esp32"]["detail"])
    folder = tmp_path / "core" / "platforms" / "espressif32"
    folder.mkdir(parents=True)
    (folder / "platform.json").write_text(json.dumps({"name": "espressif32", "version": "6.13.0"}))
    assert findings("--board", "esp32", cwd=tmp_path)[1]["esp32"]["ok"] is True

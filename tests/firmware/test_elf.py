"""Sizes of sections and symbols, against what is known of a small program."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.c_build import run_tool
from tinygen.elf import section_sizes, symbol_sizes
from tinygen.errors import TinygenError

SOURCE = """
const unsigned char constants[1000] = {1};
unsigned char variables[300] = {2};
unsigned char zeros[500];
__attribute__((section(".flash.rodata"))) unsigned char mapped[70] = {3};
int used(int x) { return x + constants[x] + variables[x] + zeros[x] + mapped[x]; }
void _start(void) { used(1); }
"""


@pytest.fixture
def elf(tmp_path: Path) -> Path:
    (tmp_path / "x.c").write_text(SOURCE)
    target = tmp_path / "x.elf"
    run_tool(["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-O1", "-nostdlib", tmp_path / "x.c", "-o", target])
    return target


def test_sections(elf: Path) -> None:
    sizes = section_sizes(elf)
    text = sum(size for name, size in symbol_sizes(elf).items() if name in ("used", "_start"))
    assert 800 <= sizes.ram <= 800 + 8
    assert 1000 + 300 + 70 + text <= sizes.flash <= 1000 + 300 + 70 + text + 64  # alignment, unwind table


def test_symbols(elf: Path) -> None:
    sizes = symbol_sizes(elf)
    assert {name: sizes[name] for name in ("constants", "variables", "zeros", "mapped")} == {
        "constants": 1000,
        "variables": 300,
        "zeros": 500,
        "mapped": 70,
    }
    assert sizes["used"] > 0


def test_a_stripped_file_has_no_symbols(elf: Path) -> None:
    run_tool(["arm-none-eabi-strip", elf])
    assert symbol_sizes(elf) == {}
    assert section_sizes(elf).ram >= 800


def test_statics_of_the_same_name_are_added_up(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.c").write_text(f"static volatile char same[40]; int {name}(void) {{ return same[1]; }}\n")
    (tmp_path / "main.c").write_text("int a(void); int b(void); int main(void) { return a() + b(); }\n")
    run_tool(["gcc", *tmp_path.glob("*.c"), "-o", tmp_path / "x"])
    assert symbol_sizes(tmp_path / "x")["same"] == 80


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"\x7fELF" + bytes(range(200)), b"hello" * 50])
def test_a_file_that_is_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.elf"
    path.write_bytes(content)
    for function in (section_sizes, symbol_sizes):
        with pytest.raises(TinygenError, match="cannot be read as an ELF file"):
            function(path)
    with pytest.raises(TinygenError, match="cannot be read"):
        section_sizes(tmp_path / "gone.elf")


def test_a_truncated_file(elf: Path) -> None:
    whole = elf.read_bytes()
    for size in range(16, len(whole), 997):
        elf.write_bytes(whole[:size])
        try:
            section_sizes(elf)
            symbol_sizes(elf)
        except TinygenError:
            continue

"""What an ELF file takes of a board's flash and RAM, which symbol how much, and which function calls which.

Place in the flow: after platformio.py has built the firmware; the figures go into the size table. stack.py asks for
the calls of an object file, cycles/ for symbols and machine code.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection

from tinygen.errors import TinygenError

# Writable by their flags and yet not in the RAM of static data: the ESP32's flash-mapped constants, instruction
# RAM and RTC memory, the AVR's EEPROM, and tables of function pointers that linker scripts keep in flash.
_NOT_RAM = re.compile(r"\.(flash|iram|rtc|eeprom|init_array|fini_array|preinit_array)")


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes. `flash`: everything that is written to flash, the initial values of variables too; `ram`: static."""

    flash: int
    ram: int


@dataclass(frozen=True, slots=True)
class Symbol:
    """A function, variable or label: its address (of Thumb code without the lowest bit), and its size in bytes."""

    name: str
    address: int
    size: int
    is_function: bool


def section_sizes(elf: Path, elsewhere: Collection[str] = ()) -> Sizes:
    """Add up the sections that are loaded; raises TinygenError when the file is no ELF.

    elsewhere: sections that lie in other memories than flash and the RAM of static data.
    """
    flash = ram = 0
    with _open(elf) as file:
        for section in file.iter_sections():
            if not section["sh_flags"] & SH_FLAGS.SHF_ALLOC or section.name in elsewhere:
                continue
            if section["sh_type"] != "SHT_NOBITS":
                flash += section["sh_size"]
            if section["sh_flags"] & SH_FLAGS.SHF_WRITE and not _NOT_RAM.match(section.name):
                ram += section["sh_size"]
    return Sizes(flash, ram)


def symbol_sizes(elf: Path) -> dict[str, int]:
    """Bytes of every function and variable; symbols of the same name in several files are added up.

    Raises TinygenError when the file is no ELF; empty when it is stripped.
    """
    sizes: Counter[str] = Counter()
    with _open(elf) as file:
        table = file.get_section_by_name(".symtab")
        for symbol in table.iter_symbols() if table is not None else ():
            if symbol["st_info"]["type"] in ("STT_FUNC", "STT_OBJECT") and symbol["st_size"] > 0:
                sizes[symbol.name] += symbol["st_size"]
    return dict(sizes)


def symbols_of(elf: Path) -> tuple[Symbol, ...]:
    """All that have an address, in the file's order; raises TinygenError when the file is no ELF."""
    with _open(elf) as file:
        table = file.get_section_by_name(".symtab")
        thumb = 1 if file["e_machine"] == "EM_ARM" else 0
        found = []
        for symbol in table.iter_symbols() if table is not None else ():
            kind = symbol["st_info"]["type"]
            if symbol["st_shndx"] != "SHN_UNDEF" and kind in ("STT_FUNC", "STT_OBJECT", "STT_NOTYPE"):
                address = symbol["st_value"] & ~thumb if kind == "STT_FUNC" else symbol["st_value"]
                found.append(Symbol(symbol.name, address, symbol["st_size"], kind == "STT_FUNC"))
        return tuple(found)


def code_at(elf: Path, ranges: Iterable[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
    """The bytes of ranges [start, end) of loaded addresses, as far as their segment of the file goes.

    Raises TinygenError when the file is no ELF.
    """
    found = {}
    with _open(elf) as file:
        segments = [(segment["p_vaddr"], segment.data()) for segment in file.iter_segments("PT_LOAD")]
    for start, end in ranges:
        for first, content in segments:
            if first <= start < first + len(content):
                found[start, end] = content[start - first : end - first]
    return found


def function_calls(elf: Path) -> dict[str, frozenset[str]]:
    """For every function of an object file the functions that its code refers to, itself apart.

    From the relocations, so also the compiler's helpers (`__aeabi_ldivmod`) that no call graph of the source has; a
    call through a pointer is not seen. Variables of other files count as functions: nothing tells them apart. The
    file must be compiled with -ffunction-sections. Raises TinygenError when it is no ELF.
    """
    with _open(elf) as file:
        table = file.get_section_by_name(".symtab")
        symbols = [] if table is None else list(table.iter_symbols())
        sections = {s["st_shndx"]: s.name for s in symbols if s["st_info"]["type"] == "STT_FUNC"}
        found: dict[str, set[str]] = {name: set() for name in sections.values()}
        # the literals of an Xtensa function lie in a section of their own
        by_name = {file.get_section(index).name: name for index, name in sections.items()}
        by_name |= {section.replace(".text", ".literal", 1): name for section, name in by_name.items()}
        for section in file.iter_sections():
            if not isinstance(section, RelocationSection):
                continue
            caller = by_name.get(file.get_section(section["sh_info"]).name)
            if caller is None:
                continue
            for relocation in section.iter_relocations():
                symbol = symbols[relocation["r_info_sym"]]
                undefined = symbol["st_shndx"] == "SHN_UNDEF"
                called = symbol.name if undefined else sections.get(symbol["st_shndx"])
                if called and called != caller:
                    found[caller].add(called)
        return {caller: frozenset(called) for caller, called in found.items()}


def pushed_bytes(elf: Path) -> dict[str, int]:
    """What the first instruction of every Thumb function of an object file pushes; empty for other cores.

    For functions that are assembly from end to end, whose frames the compiler does not know.
    """
    pushed = {}
    with _open(elf) as file:
        table = file.get_section_by_name(".symtab") if file["e_machine"] == "EM_ARM" else None
        for symbol in table.iter_symbols() if table is not None else ():
            if symbol["st_info"]["type"] != "STT_FUNC" or symbol["st_shndx"] == "SHN_UNDEF":
                continue
            code = file.get_section(symbol["st_shndx"]).data()
            at = symbol["st_value"] & ~1
            first, second = (int.from_bytes(code[at + i : at + i + 2], "little") for i in (0, 2))
            # ARMv7-M Architecture Reference Manual, PUSH: encoding T1 with lr as bit 8, and T2
            registers = first & 0x1FF if first & 0xFE00 == 0xB400 else second if first == 0xE92D else 0
            pushed[symbol.name] = 4 * registers.bit_count()
    return pushed


@contextmanager
def _open(elf: Path) -> Iterator[ELFFile]:
    try:
        with elf.open("rb") as stream:
            yield ELFFile(stream)
    except (OSError, ELFError, UnicodeDecodeError) as error:
        raise TinygenError(f"{elf} cannot be read as an ELF file: {error}") from error

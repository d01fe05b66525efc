"""What an ELF file takes of a board's flash and RAM, and which symbol how much.

Place in the flow: after platformio.py has built the firmware; the figures go into the size table.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from tinygen.errors import TinygenError

# Writable by their flags and yet not in the RAM of static data: the ESP32's flash-mapped constants, instruction
# RAM and RTC memory, the AVR's EEPROM, and tables of function pointers that linker scripts keep in flash.
_NOT_RAM = re.compile(r"\.(flash|iram|rtc|eeprom|init_array|fini_array|preinit_array)")


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes. `flash`: everything that is written to flash, the initial values of variables too; `ram`: static."""

    flash: int
    ram: int


def section_sizes(elf: Path) -> Sizes:
    """Add up the sections that are loaded; raises TinygenError when the file is no ELF."""
    flash = ram = 0
    with _open(elf) as file:
        for section in file.iter_sections():
            if not section["sh_flags"] & SH_FLAGS.SHF_ALLOC:
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


@contextmanager
def _open(elf: Path) -> Iterator[ELFFile]:
    try:
        with elf.open("rb") as stream:
            yield ELFFile(stream)
    except (OSError, ELFError, UnicodeDecodeError) as error:
        raise TinygenError(f"{elf} cannot be read as an ELF file: {error}") from error

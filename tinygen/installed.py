"""What a board needs on this computer, and whether it is there: compilers, their C libraries, emulators, cores.

Place in the flow: `tinygen doctor`. Nothing is installed or downloaded here.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tinygen.boards import EMULATED_PLATFORM_DIR, Board
from tinygen.platformio_core import platforms_dir

_C = "#include <stdint.h>\n#include <string.h>\nint main(void) { return 0; }\n"
_AVR = "#include <avr/io.h>\n"
_SIMAVR = "#include <simavr/sim_avr.h>\nint main(void) { return avr_make_mcu_by_name(0) != 0; }\n"


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that a board needs; `found` says where it is or what it is, and is empty when it is missing."""

    what: str
    found: str


def needs_of(board: Board) -> tuple[Need, ...]:
    """Everything that building for the board takes, and running it if it is emulated."""
    if not board.emulated:
        return (Need(f"PlatformIO's platform {board.platform}", _platform(board)),)
    manifest = json.loads((EMULATED_PLATFORM_DIR / "boards" / f"{board.board}.json").read_text(encoding="utf-8"))
    compiler = f"{board.compiler}gcc"
    needs = [_program(compiler)]
    if needs[0].found:
        code = (_AVR if board.core == "avr" else "") + _C
        needs.append(
            Need(f"C library for {compiler}", _compiled((needs[0].found, *board.flags, "-fsyntax-only"), code))
        )
    if board.framework == "arduino":
        core = Path(manifest["build"]["core"])
        variant = core / "variants" / manifest["build"]["variant"]
        needs += [_program(f"{board.compiler}g++"), Need("Arduino core for AVR", str(core) if variant.is_dir() else "")]
    if board.emulator[0] == "{python}":  # the bridge to simavr is compiled when it is first used
        needs.append(_program("gcc"))
        if needs[-1].found:
            needs.append(Need("simavr's library and headers", _compiled((needs[-1].found, "-lsimavr"), _SIMAVR)))
    elif not board.emulator[0].startswith("{"):
        needs.append(_program(board.emulator[0]))
    return tuple(needs)


def how_to_install(board: Board) -> str:
    """What to do when something of it is missing."""
    if not board.emulated:
        return "PlatformIO downloads it with the first build"
    return f"on Debian or Ubuntu: sudo apt install {' '.join(board.apt)}"


def _program(name: str) -> Need:
    return Need(name, shutil.which(name) or "")


@functools.cache
def _compiled(command: tuple[str, ...], code: str) -> str:
    """Whether a compiler takes this code with these flags: "yes", or nothing."""
    program, *flags = command
    with tempfile.TemporaryDirectory(prefix="tinygen-") as folder:
        source = Path(folder) / "x.c"
        source.write_text(code)
        whole = [program, str(source), *flags, *(() if "-fsyntax-only" in flags else ("-o", str(Path(folder) / "x")))]
        done = subprocess.run(whole, stdin=subprocess.DEVNULL, capture_output=True, cwd=folder, check=False)
    return "yes" if done.returncode == 0 else ""


def _platform(board: Board) -> str:
    """The folder of the installed platform of that very version, or nothing."""
    name, _, version = board.platform.partition("@")
    for manifest in platforms_dir().glob("*/platform.json"):
        try:
            content = json.loads(manifest.read_text(encoding="utf-8"))
            if (content["name"], content["version"]) == (name, version):
                return os.fspath(manifest.parent)
        except (OSError, ValueError, KeyError, TypeError):
            continue  # a broken one is as good as none
    return ""

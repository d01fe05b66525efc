"""Runs a firmware in QEMU with the plugin firmware/qemu/tg_blocks.c, which counts the blocks of code of one function.

Place in the flow: bench.py brings the firmware; price.py makes cycles of the counts. The plugin is compiled when it is
first needed, with the host's C compiler, and kept in the cache.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tinygen import resources
from tinygen.boards import Board
from tinygen.elf import Symbol
from tinygen.emulator import running
from tinygen.errors import TinygenError
from tinygen.platformio_core import cache_dir

_SOURCE = resources.FIRMWARE / "qemu" / "tg_blocks.c"
_QEMU = "qemu-system-"
# the interrupt of a free-running clock (firmware/platform/bsp): it may fall into an inference, and is no part of it
_INTERRUPTS = ("systick",)
_MARK = re.compile(r"tg_mark_(\d+)_\d+$")
# An empty jump ends a block behind each block of rows, and a label says of which layer. Written before the model's C.
TRACE = """#ifdef __arm__
#define TG_JUMP "b"
#else
#define TG_JUMP "j"
#endif
#define TG_TRACE(layer, y0, y1) \\
  __asm volatile(TG_JUMP " tg_mark_" #layer "_%=\\ntg_mark_" #layer "_%=:" : : : "memory")
"""
_Ran = TypeVar("_Ran")


@dataclass(frozen=True, slots=True)
class Block:
    """A run of instructions without a jump in it, at the addresses [start, end), and what was counted of it.

    layer: whose it was, -1 behind the last layer, or where no layers were marked. runs: how often it began.
    left: how often it was left other than to the instruction behind it, of these left_for_wide to a 32-bit instruction
    at an odd halfword. unaligned_loads: accesses beyond one for each load.
    """

    layer: int
    start: int
    end: int
    instructions: int
    runs: int
    left: int
    left_for_wide: int
    unaligned_loads: int


def is_qemu(board: Board) -> bool:
    """Whether it is QEMU that emulates the board."""
    return board.emulator[:1] != () and Path(board.emulator[0]).name.startswith(_QEMU)


def marks_of(symbols: Sequence[Symbol]) -> dict[int, int]:
    """The addresses of the labels that TRACE leaves in a firmware, each with its layer."""
    found = ((_MARK.match(symbol.name), symbol.address) for symbol in symbols)
    return {address: int(match[1]) for match, address in found if match}


def count_blocks(
    board: Board, elf: Path, symbols: Sequence[Symbol], function: str, use: Callable[[str], _Ran]
) -> tuple[tuple[Block, ...], _Ran]:
    """Count the first call of a function while `use`, which gets the URL of the board's UART, makes the firmware run.

    symbols: of the ELF. Returns the blocks and what `use` returned. Raises TinygenError where no plugin can be built
    or loaded, and when the function did not return.
    """
    begin = next((s.address for s in symbols if s.name == function), None)
    if begin is None:
        raise TinygenError(f"{elf} has no function {function}", "do not strip the firmware")
    plugin = _plugin(board)
    with tempfile.TemporaryDirectory(prefix="tinygen-") as folder:
        marks, out = Path(folder) / "marks", Path(folder) / "blocks"
        marks.write_text("".join(f"{address:x} {layer}\n" for address, layer in marks_of(symbols).items()))
        skipped = [f"skip={s.address:#x}-{s.address + s.size:#x}" for s in symbols if s.name in _INTERRUPTS]
        options = (str(plugin), f"begin={begin:#x}", *skipped, f"marks={marks}", f"out={out}")
        argument = ",".join(option.replace(",", ",,") for option in options)
        with running(board, elf, ("-plugin", argument)) as url:
            used = use(url)
        lines = out.read_text().splitlines()
    if not lines or lines[-1] != "end":
        raise TinygenError(f"{function} did not return on {board.name}", "does `tinygen test` work with this model?")
    return tuple(_block(line.split()) for line in lines[:-1]), used


def _block(words: Sequence[str]) -> Block:
    layer, start, end, *counts = words
    return Block(int(layer), int(start, 16), int(end, 16), *map(int, counts))


def _plugin(board: Board) -> Path:
    """The compiled plugin, made if it is not there; its name has in it all that it depends on."""
    version = _plugin_version(board)
    compiler = next(filter(None, map(shutil.which, (os.environ.get("CC", ""), "gcc", "cc", "clang"))), None)
    if compiler is None:
        raise TinygenError("bench needs a C compiler of this computer, for QEMU's plugin", "sudo apt install gcc")
    key = hashlib.sha256(_SOURCE.read_bytes() + bytes([version])).hexdigest()[:12]
    plugin = cache_dir().resolve() / f"tg_blocks-{key}.so"
    if plugin.is_file():
        return plugin
    plugin.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=plugin.parent) as folder:
        made = Path(folder) / plugin.name
        flags = ("-std=c99", "-O2", "-shared", "-fPIC", "-fvisibility=hidden", f"-DAPI_VERSION={version}")
        command = (compiler, *flags, "-o", str(made), str(_SOURCE))
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        if done.returncode != 0:
            said = next((line for line in done.stderr.splitlines() if "error" in line), "it does not say why")
            raise TinygenError(f"{compiler} cannot build QEMU's plugin: {said}", "set CC to a C compiler that can")
        made.replace(plugin)
    return plugin


def _plugin_version(board: Board) -> int:
    """The version of the plugin interface to claim: QEMU 9.0 gave up version 1, and still takes 2."""
    program = board.emulator[0]
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, errors="replace", check=False)
    except FileNotFoundError as error:
        hint = f"on Debian or Ubuntu: sudo apt install {' '.join(board.apt)}"
        raise TinygenError(f"{program} is not installed; {board.name} needs it", hint) from error
    match = re.search(r"version (\d+)", done.stdout)
    return 1 if match and int(match[1]) < 9 else 2

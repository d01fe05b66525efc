"""The stack that an inference needs: the frames that the compiler states, along the deepest chain of calls.

Place in the flow: beside the build. The library is compiled once more, alone, with the board's compiler and the flags
that the library asks PlatformIO for.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tinygen.boards import Board
from tinygen.elf import function_calls, pushed_bytes
from tinygen.platformio_core import toolchain_folders
from tinygen.project import write_files
from tinygen.render import Files

# What functions are allowed that are not in the library. Of Debian's newlib and libgcc for the Cortex-M4, read
# from their machine code: memcpy 36 bytes, __aeabi_uldivmod 48; sinf with the reduction of large arguments 472.
HELPER_BYTES = 64
LIBRARY_BYTES = 512
_HELPER = re.compile(r"__|mem(cpy|set|move|cmp)$")
# every PlatformIO platform here compiles so; it changes how registers are used, and so the frames
_SECTIONS = ("-ffunction-sections", "-fdata-sections")
# where the board's file names a stand-in for the compile tests
_COMPILERS = {
    "esp32": "xtensa-esp32-elf-",
    "esp32s2": "xtensa-esp32s2-elf-",
    "esp32s3": "xtensa-esp32s3-elf-",
    "esp32c3": "riscv32-esp-elf-",
    "esp32c6": "riscv32-esp-elf-",
}
_FRAME = re.compile(r"^.*:(?P<function>[^:\t]+)\t(?P<bytes>\d+)\t(?P<kind>\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Stack:
    """`invoke_bytes`: what NAME_invoke (or NAME_push_row, NAME_push) and all that it calls need; None when that is not
    known. `text` says of what, or why not. `own_bytes`: the frame of NAME_invoke or NAME_push_row. `functions`: the
    library's functions, each with the bytes that it and all that it calls need."""

    invoke_bytes: int | None
    text: str
    own_bytes: int = 0
    functions: Mapping[str, int] = field(default_factory=dict)


def invoke_stack(library: Files, name: str, board: Board) -> Stack:
    """The stack of the model `name` on a board; `library` as from render.model.library_files."""
    program, compiler = find_compiler(board)
    if compiler is None:
        return Stack(None, f"unknown: {program} is not installed")
    flags = json.loads(library["library.json"])["build"]["flags"]
    with tempfile.TemporaryDirectory(prefix="tinygen-") as folder:
        write_files(Path(folder), library)
        target = Path(folder) / "model.o"
        options = (*board.flags, *_SECTIONS, *flags, "-fstack-usage")
        command = (compiler, *options, "-c", str(Path(folder) / "src" / f"{name}.c"), "-o", str(target))
        english = {**os.environ, "LC_ALL": "C"}
        done = subprocess.run(command, env=english, capture_output=True, text=True, errors="replace", check=False)
        if done.returncode != 0:
            errors = [line for line in done.stderr.splitlines() if "error: " in line]
            return Stack(None, f"unknown: {program} fails: {errors[0].split('error: ')[1] if errors else 'no reason'}")
        frames = frames_of(target.with_suffix(".su").read_text())
        calls, pushed = function_calls(target), pushed_bytes(target)
    if None in frames.values():
        return Stack(None, f"unknown: {program} makes a frame whose size depends on data")
    sizes = {f: size or pushed.get(f, 0) for f, size in frames.items()}
    entry = next(f for f in entries(name) if f in calls)
    used, path = deepest(next(f for f in _first_called(name) if f in calls), calls, sizes)
    functions = {function: deepest(function, calls, sizes)[0] for function in calls}
    allowed = f", {path[-1]} with {_allowance(path[-1])} bytes allowed" if path[-1] not in calls else ""
    text = f"{used:,} bytes: {program} {' '.join(flags)}, {' > '.join(path)}{allowed}"
    return Stack(used, text, sizes.get(entry, 0), functions)


def _first_called(name: str) -> tuple[str, ...]:
    """What an application calls: with a front end it is the samples' function, which runs the model itself."""
    return f"{name}_push", *entries(name)


def entries(name: str) -> tuple[str, ...]:
    """The functions that may run a model: it has one of them."""
    return f"{name}_invoke", f"{name}_push_row"


def frames_of(usage: str) -> dict[str, int | None]:
    """Bytes of every function's frame out of a .su file, None where the size is not fixed; of clones the largest."""
    frames: dict[str, int | None] = {}
    for match in _FRAME.finditer(usage):
        function, size = match["function"], int(match["bytes"]) if match["kind"] == "static" else None
        known = frames.get(function, 0)
        frames[function] = None if known is None or size is None else max(known, size)
    return frames


def deepest(
    function: str, calls: Mapping[str, frozenset[str]], frames: Mapping[str, int], above: tuple[str, ...] = ()
) -> tuple[int, tuple[str, ...]]:
    """(bytes, chain of calls) of the most stack from `function` down; AssertionError when it recurses."""
    if function in above:
        raise AssertionError(f"recursion: {' > '.join((*above, function))}")
    if function not in calls:
        return _allowance(function), (function,)
    # a clone's symbol ends in a number that the frame's name lacks; the cold part of a function has no frame
    own = frames.get(function, frames.get(re.sub(r"\.\d+$", "", function), 0))
    below = [deepest(called, calls, frames, (*above, function)) for called in sorted(calls[function])]
    size, path = max(below, default=(0, ()), key=lambda found: found[0])
    return own + size, (function, *path)


def _allowance(function: str) -> int:
    return HELPER_BYTES if _HELPER.match(function) else LIBRARY_BYTES


def find_compiler(board: Board) -> tuple[str, str | None]:
    """The compiler's name and its path, None if it is missing: for a real board PlatformIO's, if it is installed there;
    else the one on PATH."""
    program = f"{_COMPILERS.get(board.core, board.compiler)}gcc"
    folders = () if board.emulated else toolchain_folders()
    found = shutil.which(program, path=os.pathsep.join(map(str, folders))) if folders else None
    return program, found or shutil.which(program)

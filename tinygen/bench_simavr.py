"""Counts the instructions and the cycles of an inference on a board that simavr emulates, both exactly.

Place in the flow: bench.py for the AVR boards. The firmware is that of `tinygen test`; simavr executes it, and the
bridge to it (firmware/platform/simavr) watches where NAME_invoke begins, where a layer ends, and where it returns.
Interrupts that fall into it do not count.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.elffile import ELFFile

from tinygen.boards import Board
from tinygen.device.link import Link
from tinygen.emulator import running
from tinygen.errors import TinygenError
from tinygen.pipeline import Compiled
from tinygen.platformio import build_firmware
from tinygen.samples import random_samples, to_bytes

Progress = Callable[[str], None]

_MARK = re.compile(r"tg_mark_(\d+)_\d+$")
# A label behind each block of rows, and nothing else: the code is that which ships
_TRACE = """#define TG_TRACE(layer, y0, y1) __asm__ volatile("tg_mark_" #layer "_%=:" : : : "memory")
"""
# simavr executes some ten million cycles a second, on a busy computer less
_SECONDS_PER_MAC = 2e-4


@dataclass(frozen=True, slots=True)
class CycleCount:
    """Of NAME_invoke from its first instruction to its return, or of a layer in it."""

    instructions: int
    cycles: int


def is_simavr(board: Board) -> bool:
    """Whether it is simavr that emulates the board, so that `count_cycles` can count on it."""
    return board.emulated and board.core == "avr"


def count_cycles(
    compiled: Compiled, board: Board, project: Path, per_layer: bool, progress: Progress
) -> tuple[CycleCount, tuple[CycleCount, ...]]:
    """The counts of one inference on random input, which is always the same, and those of each layer (or none).

    project: the model's project for `board`, as write_board_project leaves it; with per_layer its library becomes
    another one, with labels. What stands between the last layer and the return is in none of them. Raises TinygenError.
    """
    whole, *_ = _count(compiled, board, project, progress)
    if not per_layer:
        return whole, ()
    source = project / "lib" / compiled.request.name / "src" / f"{compiled.request.name}.c"
    source.write_bytes(_TRACE.encode() + source.read_bytes())
    return whole, tuple(_count(compiled, board, project, progress)[1:-1])


def _count(compiled: Compiled, board: Board, project: Path, progress: Progress) -> tuple[CycleCount, ...]:
    """Build, run one inference, and read the counts: of invoke, of each marked layer, and of what follows the last."""
    elf = build_firmware(project, f"{board.name}_test", board, progress).elf
    graph = compiled.plan.program.graph
    (sample,) = random_samples(graph, 1).inputs
    with tempfile.TemporaryDirectory(prefix="tinygen-") as folder:
        wanted = Path(folder) / "wanted"
        wanted.write_text(_wanted(elf, f"{compiled.request.name}_invoke"))
        with running(board, elf, arguments=(str(wanted),)) as url, Link.open(url, board.baud) as link:
            link.infer(to_bytes(sample), 10 + _SECONDS_PER_MAC * compiled.plan.program.macs)
        try:
            lines = wanted.with_suffix(".counts").read_text().splitlines()
        except OSError as error:
            raise TinygenError(f"{graph.name}_invoke did not return on {board.name}") from error
    return tuple(CycleCount(*map(int, line.split())) for line in lines)


def _wanted(elf: Path, function: str) -> str:
    """What the bridge counts, as count.h has it: the function's address, and that of each mark with its layer."""
    with elf.open("rb") as stream:
        table = ELFFile(stream).get_section_by_name(".symtab")
        addresses = {symbol.name: symbol["st_value"] for symbol in table.iter_symbols()} if table else {}
    if function not in addresses:
        raise TinygenError(f"{elf} has no function {function}", "remove -s from your linker flags")
    marks = ((_MARK.match(name), address) for name, address in addresses.items())
    lines = [f"{addresses[function]} 0", *(f"{address} {match[1]}" for match, address in marks if match)]
    return "\n".join(lines) + "\n"

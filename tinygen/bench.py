"""Counts the instructions of an inference on an emulated Cortex-M board, exactly.

Place in the flow: beside tester.py. The project is that of `tinygen test`, only its tested_model.c is another one: it
counts, and answers with the counts where the outputs would be. QEMU's virtual time stands still but for
instructions (-icount), and is made slow enough here for SysTick to tell every single one.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinygen import __version__
from tinygen.boards import Board
from tinygen.device.link import Link
from tinygen.emulator import running
from tinygen.errors import TinygenError
from tinygen.pipeline import Compiled
from tinygen.platformio import build_firmware
from tinygen.render import render
from tinygen.samples import random_samples, to_bytes

Progress = Callable[[str], None]

# The clock has 32 bits; a kernel that needs this many ticks per MAC does not exist
_MOST_MACS = 50_000_000
_SECONDS_PER_MAC = 2e-6
# ticks of the clock per instruction: with more than 2, rounding cannot miss
_LEAST_TICKS = 3
_TRACE = """#include <stdint.h>
void tg_bench_trace(int32_t layer);
#define TG_TRACE(layer, y0, y1) tg_bench_trace(layer)
"""


@dataclass(frozen=True, slots=True)
class Counts:
    """Instructions of NAME_invoke from its first to its return, and of each layer (empty if none was asked for).

    The layers come from another build, with a hook behind each block of rows whose own instructions are subtracted;
    what stands between the last layer and the return is in none of them.
    """

    invoke: int
    layers: tuple[int, ...]


def need_countable(compiled: Compiled | None, board: Board) -> None:
    """Raise TinygenError where instructions cannot be counted: real boards, other cores, enormous models."""
    if not board.emulated or not board.core.startswith("cortex-m"):
        raise TinygenError(
            f"bench counts instructions on emulated Cortex-M boards only, which {board.name} is not",
            "take qemu-cortex-m4 or qemu-stm32f405; `tinygen test` says how long an inference takes on a board",
        )
    if compiled is not None and compiled.plan.program.macs > _MOST_MACS:
        raise TinygenError(
            f"{compiled.request.name} has {compiled.plan.program.macs:,} MACs; bench counts up to {_MOST_MACS:,}",
            "bench a smaller model",
        )


def compiler_version(board: Board) -> str:
    """The first line of what the board's compiler says of its version; raises TinygenError if it is missing."""
    program = f"{board.compiler}gcc"
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, errors="replace", check=False)
    except FileNotFoundError as error:
        raise TinygenError(
            f"{program} is not installed; {board.name} needs it",
            f"on Debian or Ubuntu: sudo apt install {' '.join(board.apt)}",
        ) from error
    return done.stdout.splitlines()[0] if done.stdout else ""


def count_instructions(compiled: Compiled, board: Board, project: Path, per_layer: bool, progress: Progress) -> Counts:
    """Count one inference on a sample of random input, which is always the same.

    project: the model's project for `board`, as write_board_project leaves it; its tester becomes another one.
    Raises TinygenError.
    """
    layers = len(compiled.plan.steps)
    content = _bench_model(compiled, board, layers)
    (project / "tester" / "tested_model.c").write_bytes(content)
    invoke = _count(compiled, board, project, progress)[0]
    if not per_layer:
        return Counts(invoke, ())
    source = project / "lib" / compiled.request.name / "src" / f"{compiled.request.name}.c"
    source.write_bytes(_TRACE.encode() + source.read_bytes())
    return Counts(invoke, _count(compiled, board, project, progress)[1:])


def _count(compiled: Compiled, board: Board, project: Path, progress: Progress) -> tuple[int, ...]:
    """Build, run one inference, and bring the counts back: of invoke, and of each layer."""
    elf = build_firmware(project, f"{board.name}_test", board, progress).elf
    (sample,) = random_samples(compiled.plan.program.graph, 1).inputs
    with running(board, elf, _shift(board)) as url, Link.open(url, board.baud) as link:
        answer = link.infer(to_bytes(sample), 10 + _SECONDS_PER_MAC * compiled.plan.program.macs)
    return tuple(int(n) for n in np.frombuffer(answer.outputs, "<u4"))


def _shift(board: Board) -> int:
    """An instruction takes 2^shift nanoseconds of the emulator's time: some ticks of the clock, not many."""
    return next(shift for shift in range(20) if (board.clock_hz << shift) >= _LEAST_TICKS * 1_000_000_000)


def _bench_model(compiled: Compiled, board: Board, layers: int) -> bytes:
    graph, sha256 = compiled.plan.program.graph, compiled.model.sha256
    octets = [f"0x{sha256[i : i + 2]}," for i in range(0, 64, 2)]
    model = {
        "name": graph.name,
        "macro": graph.name.upper(),
        "version": __version__,
        "sha256_lines": [" ".join(octets[i : i + 16]) for i in (0, 16)],
        "inputs": graph.inputs,
        "has_state": bool(graph.variables),
        "layers": layers,
        "instruction_ns": 1 << _shift(board),
    }
    return render("project/bench_model.c.j2", m=model)

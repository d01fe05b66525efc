"""Measures an inference on a board: instructions and estimated cycles where QEMU emulates it, else its own clock.

Place in the flow: beside tester.py, with the same project and the same firmware. Layers come from a second firmware,
whose library has something behind each block of rows: for QEMU an empty jump to a label, for a clock a call.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from tinygen import __version__
from tinygen.bench_code import CodeParts, code_parts, layer_parts
from tinygen.bench_simavr import CycleCount, count_cycles, is_simavr
from tinygen.boards import Board
from tinygen.cycles.plugin import TRACE, Block, count_blocks, is_qemu, marks_of
from tinygen.cycles.price import estimate, timing_of
from tinygen.device.link import Link
from tinygen.elf import symbols_of
from tinygen.errors import TinygenError
from tinygen.pipeline import Compiled
from tinygen.platformio import build_firmware
from tinygen.render import render
from tinygen.samples import random_samples, to_bytes
from tinygen.stack import Stack, find_compiler
from tinygen.tester import board_with_tester, run_on_device

Progress = Callable[[str], None]

# QEMU with the plugin on a busy computer: far more than any kernel takes
_SECONDS_PER_MAC = 5e-6
_SAMPLES = 5  # of which a clock's median is taken
_HOST = "host"
_CALL = """#include <stdint.h>
#ifdef __cplusplus
extern "C"
#endif
void tg_bench_trace(int32_t layer);
#define TG_TRACE(layer, y0, y1) tg_bench_trace(layer)
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """What an inference, or a layer in it, takes; None for what the board does not tell. `code` is of the ELF."""

    instructions: int | None
    cycles: int | None
    microseconds: float | None
    code: CodeParts | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """`whole`: NAME_invoke from its first instruction to its return; `layers`: of another build, () if not measured.

    cycles_source is one of SPEC section 5, None where cycles are not known; `cycles_by` says by what.
    """

    whole: Figures
    layers: tuple[Figures, ...]
    cycles_source: str | None
    cycles_by: str


def compiler_version(board: Board) -> str:
    """The first line of what the board's compiler says of its version; raises TinygenError if it is missing."""
    program, found = find_compiler(board)
    if found is None:
        raise TinygenError(
            f"{program} is not installed; {board.name} needs it",
            f"on Debian or Ubuntu: sudo apt install {' '.join(board.apt)}",
        )
    done = subprocess.run([found, "--version"], capture_output=True, text=True, errors="replace", check=False)
    return done.stdout.splitlines()[0] if done.stdout else ""


def measure(
    compiled: Compiled, board: Board, project: Path, port: str | None, stack: Stack, progress: Progress
) -> Measured:
    """Measure an inference on random input, which is always the same.

    project: the model's project for `board`, as write_board_project leaves it. stack: of the same library.
    Raises TinygenError.
    """
    if is_simavr(board):
        count, _ = count_cycles(compiled, board, project, False, progress)
        return Measured(_counted(count), (), "emulator", "simavr, which counts every cycle; without interrupts")
    if not is_qemu(board):
        return _clock(compiled, board, project, port, progress)
    (whole,) = _run_counted(compiled, board, project, stack, 0, progress)
    timing = timing_of(board.core)
    if timing is None:
        return Measured(whole, (), None, f"no timing table is published for {board.core}")
    return Measured(whole, (), "estimated", f"{timing.source}; memory without wait states")


def measure_layers(
    compiled: Compiled, board: Board, project: Path, port: str | None, stack: Stack, progress: Progress
) -> tuple[Figures, ...]:
    """As measure, for each layer: the project's library and tester become others."""
    if is_qemu(board):
        _hook(compiled, project, TRACE)
        return _run_counted(compiled, board, project, stack, len(compiled.plan.steps), progress)
    if is_simavr(board):
        return tuple(map(_counted, count_cycles(compiled, board, project, True, progress)[1]))
    if port is not None and "://" in port:
        raise TinygenError("layers need a firmware of their own on the board", "give its port, not a URL")
    _hook(compiled, project, _CALL)
    (project / "tester" / "tested_model.c").write_bytes(_bench_model(compiled))
    (sample,) = random_samples(compiled.plan.program.graph, 1).inputs
    seconds = 10 + 200 * compiled.plan.program.macs / max(board.clock_hz, 1_000_000)
    with board_with_tester(board, project, port, progress) as on, Link.open(on.url, board.baud) as link:
        hz = link.hello().ticks_hz
        ticks = np.frombuffer(link.infer(to_bytes(sample), seconds).outputs, "<u4")
    return tuple(_of_ticks(int(count), hz, board) for count in ticks)


def _run_counted(
    compiled: Compiled, board: Board, project: Path, stack: Stack, layers: int, progress: Progress
) -> tuple[Figures, ...]:
    """One inference: the figures of the whole (layers = 0), or of each layer in a firmware that has the labels."""
    elf = build_firmware(project, f"{board.name}_test", board, progress).elf
    symbols = symbols_of(elf)
    (sample,) = random_samples(compiled.plan.program.graph, 1).inputs
    seconds = 10 + _SECONDS_PER_MAC * compiled.plan.program.macs

    def infer(url: str) -> None:
        with Link.open(url, board.baud) as link:
            link.infer(to_bytes(sample), seconds)

    entry = f"{compiled.request.name}_invoke"
    blocks, _ = count_blocks(board, elf, symbols, entry, infer)
    if not layers:
        return (_figures(blocks, elf, board, 0, code_parts(symbols, entry, stack)),)
    marks = marks_of(symbols)
    jumps = [0] * layers
    for block in blocks:
        if block.start in marks:
            jumps[marks[block.start]] += block.runs
    each = [[block for block in blocks if block.layer == layer] for layer in range(layers)]
    parts = layer_parts(each, symbols, marks, entry, stack)
    return tuple(_figures(each[i], elf, board, jumps[i], parts[i]) for i in range(layers))


def _figures(
    blocks: list[Block] | tuple[Block, ...], elf: Path, board: Board, jumps: int, code: CodeParts | None
) -> Figures:
    """Of the blocks, less so many empty jumps."""
    timing = timing_of(board.core)
    cycles = None
    if timing is not None:
        cycles = estimate(blocks, elf, timing) - jumps * timing["branch"]
    return Figures(sum(block.runs * block.instructions for block in blocks) - jumps, cycles, None, code)


def _counted(count: CycleCount) -> Figures:
    return Figures(count.instructions, count.cycles, None)


def _clock(compiled: Compiled, board: Board, project: Path, port: str | None, progress: Progress) -> Measured:
    """On a board with a clock of its own: the median of some inferences."""
    samples = random_samples(compiled.plan.program.graph, _SAMPLES)
    with board_with_tester(board, project, port, progress) as on:
        (run,) = run_on_device([(compiled, samples)], board, on.url, lambda done: None)
    hz = run.info.ticks_hz
    whole = _of_ticks(round(median(run.ticks)), hz, board)
    if whole.cycles is None:
        return Measured(whole, (), None, f"its clock has {hz:,} ticks a second, and counts no cycles")
    source = "emulator" if board.emulated else "measured"
    return Measured(whole, (), source, f"counter of the board, {hz:,} a second")


def _of_ticks(ticks: int, hz: int, board: Board) -> Figures:
    """Ticks are cycles where the clock runs as fast as the core; this computer's are nanoseconds."""
    counts_cycles = board.core != _HOST and abs(hz - board.clock_hz) * 10 <= board.clock_hz
    return Figures(None, ticks if counts_cycles else None, 1e6 * ticks / hz)


def _hook(compiled: Compiled, project: Path, trace: str) -> None:
    """Put a definition of TG_TRACE before the library's C."""
    source = project / "lib" / compiled.request.name / "src" / f"{compiled.request.name}.c"
    source.write_bytes(trace.encode() + source.read_bytes())


def _bench_model(compiled: Compiled) -> bytes:
    graph, sha256 = compiled.plan.program.graph, compiled.model.sha256
    octets = [f"0x{sha256[i : i + 2]}," for i in range(0, 64, 2)]
    model = {
        "name": graph.name,
        "macro": graph.name.upper(),
        "version": __version__,
        "sha256_lines": [" ".join(octets[i : i + 16]) for i in (0, 16)],
        "inputs": graph.inputs,
        "has_state": bool(graph.variables),
        "layers": len(compiled.plan.steps),
    }
    return render("project/bench_model.c.j2", m=model)

"""`tinygen bench`: what an inference takes on a board: instructions, cycles, time, memory, and each layer's share."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from tinygen.bench import compiler_version, measure, measure_layers
from tinygen.boards import Board, get_board
from tinygen.cli.build import build_application, default_project, does_not_fit, stack_of
from tinygen.cli.options import BOARD, JSON, OPTIMIZED, PORT, TUNED, source_options
from tinygen.cli.port import port_of
from tinygen.cli.progress import OUT, Steps
from tinygen.errors import ReportedError, TinygenError
from tinygen.pipeline import Compiled, compile_model, write_board_project
from tinygen.report.bench_result import (
    BenchResult,
    Change,
    bench_result,
    change_table,
    changes,
    layer_tables,
    load_saved,
    need_comparable,
    result_table,
)
from tinygen.request import Request

_WIDTH = 120  # of the tables of layers, whatever the terminal has: numbers are not to be cut


@click.command(epilog="Example: tinygen bench kws.h5 --board qemu-cortex-m4 --compare kws-m4.json")
@BOARD
@PORT
@click.option("--per-layer", is_flag=True, help="Also measure every layer, in a second build that has hooks for it.")
@click.option(
    "--compare",
    "saved_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="What --json printed earlier: fail when instructions, cycles, arena or code grew by more than --tolerance.",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    metavar="PCT",
    help="Percent that a figure may grow.",
)
@JSON
@OPTIMIZED
@TUNED
@source_options
def bench(
    request: Request,
    board_name: str,
    port: str | None,
    per_layer: bool,
    saved_file: Path | None,
    tolerance: float,
    as_json: bool,
) -> None:
    """Measure an inference of MODEL on BOARD: instructions, cycles, memory.

    On boards that QEMU emulates, instructions are exact and the same in every run; cycles are estimated from Arm's
    timing tables, for memory without wait states. A real board, flashed on PORT, tells microseconds and cycles by
    its own counter.
    """
    board = get_board(board_name)
    port = port_of(board, port)
    saved = None if saved_file is None else load_saved(saved_file)

    def compare(**same: str) -> None:
        if saved is not None and saved_file is not None:
            need_comparable(saved, saved_file, same)

    compare(board=board.name, model=request.name, optimize=request.optimize)
    if board.emulated:
        compare(compiler=compiler_version(board))
    steps = Steps()
    with steps.step(f"preparing {request.model.name}"):
        kept = default_project([request], board)
        compiled = compile_model(request, kept, steps.update, board.kernels, board.regions, board.name)
    compare(model_sha256=compiled.model.sha256)
    result = run_bench(compiled, board, port, per_layer, steps)
    compare(compiler=result.compiler)
    found = () if saved is None else changes(saved, result)
    _show(result, found, tolerance, as_json)
    grown = [change for change in found if change.regressed(tolerance)]
    if grown:
        worse = ", ".join(f"{c.key} {c.before:,} -> {c.now:,} ({c.percent:+.2f} %)" for c in grown)
        raise ReportedError(f"{request.name} is worse than {saved_file}: {worse}", f"--tolerance is {tolerance:g} %")


def run_bench(compiled: Compiled, board: Board, port: str | None, per_layer: bool, steps: Steps) -> BenchResult:
    """Build everything in a folder that is gone afterwards, and measure; raises TinygenError."""
    with tempfile.TemporaryDirectory(prefix="tinygen-") as temporary:
        folder = Path(temporary) / "project"
        write_board_project([compiled], board, folder)
        stack = stack_of(compiled, board, steps)
        size = build_application([compiled], board, folder, [stack], steps)
        if size.code is None or not size.fits(board):
            # not as the ReportedError that it is: no JSON object has told it yet
            error = does_not_fit(size, board)
            raise TinygenError(str(error), error.hint)
        with steps.step(f"measuring on {board.name}"):
            measured = measure(compiled, board, folder, port, stack, steps.platformio)
            if per_layer:
                layers = measure_layers(compiled, board, folder, port, stack, steps.platformio)
                measured = replace(measured, layers=layers)
    # a real board's compiler may only have come with the build
    return bench_result(compiled, board, compiler_version(board), size, measured)


def _show(result: BenchResult, found: tuple[Change, ...], tolerance: float, as_json: bool) -> None:
    if as_json:
        report: dict[str, Any] = result.json()
        if found:
            report["compared"] = {
                change.key: {"before": change.before, "percent": round(change.percent, 3)} for change in found
            }
            report["pass"] = not any(change.regressed(tolerance) for change in found)
        click.echo(json.dumps(report, indent=2))
        return
    OUT.print(result_table(result))
    if result.layers:
        for table in layer_tables(result):
            OUT.print(table, width=max(OUT.width, _WIDTH), crop=False)
        OUT.print(_of_layers(result), markup=False)
    if found:
        OUT.print(change_table(found, tolerance))
    if result.cycles is None:
        OUT.print(f"cycles: not known: {result.cycles_by}", markup=False)
    else:
        OUT.print(f"cycles: {result.cycles_source}, by {result.cycles_by}", markup=False)
    OUT.print(f"compiled with {result.compiler}", markup=False)


def _of_layers(result: BenchResult) -> str:
    """What the figures of layers are, and how far they are from the whole."""
    text = "layers: of a second build, with something behind each block of rows that is subtracted"
    counts = [layer.instructions for layer in result.layers]
    if result.instructions is not None and None not in counts:
        text += f"; they differ from the whole by {result.instructions - sum(n or 0 for n in counts):,} instructions"
    if result.kernel_bytes is not None:
        text += ". Kernels that several layers run count at each of them; inlined ones count to the schedule"
    return text

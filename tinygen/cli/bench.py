"""`tinygen bench`: what an inference takes on an emulated board, in exact instructions."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from tinygen.bench import compiler_version, count_instructions, need_countable
from tinygen.boards import Board, get_board
from tinygen.cli.build import build_application, default_project, does_not_fit, stack_of
from tinygen.cli.options import BOARD, JSON, OPTIMIZED, source_options
from tinygen.cli.progress import OUT, Steps
from tinygen.errors import ReportedError, TinygenError
from tinygen.pipeline import Compiled, Request, compile_model, write_board_project
from tinygen.report.bench_result import (
    BenchResult,
    Change,
    LayerCount,
    change_table,
    changes,
    layer_table,
    load_saved,
    need_comparable,
    result_table,
)


@click.command(epilog="Example: tinygen bench kws.h5 --board qemu-cortex-m4 --compare kws-m4.json")
@BOARD
@click.option("--per-layer", is_flag=True, help="Also count every layer, in a second build that has hooks for it.")
@click.option(
    "--compare",
    "saved_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="What --json printed earlier: fail when instructions, arena or code grew by more than --tolerance.",
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
@source_options
def bench(
    request: Request, board_name: str, per_layer: bool, saved_file: Path | None, tolerance: float, as_json: bool
) -> None:
    """Count the instructions of an inference of MODEL on BOARD, an emulated Cortex-M.

    The count is exact and the same in every run: QEMU executes one inference on random input, always the same, and
    its clock stands still but for instructions. Instructions are not cycles, and not time.
    """
    board = get_board(board_name)
    need_countable(None, board)
    compiler = compiler_version(board)
    saved = None if saved_file is None else load_saved(saved_file)
    here = {"compiler": compiler, "board": board.name, "model": request.name, "optimize": request.optimize}
    if saved is not None and saved_file is not None:
        need_comparable(saved, saved_file, here)
    steps = Steps()
    with steps.step(f"preparing {request.model.name}"):
        kept = default_project([request], board)
        compiled = compile_model(request, kept, steps.update, board.kernels, board.regions)
    if saved is not None and saved_file is not None:
        need_comparable(saved, saved_file, {"model_sha256": compiled.model.sha256})
    result = _measure(compiled, board, compiler, per_layer, steps)
    found = () if saved is None else changes(saved, result)
    _show(result, found, tolerance, as_json)
    grown = [change for change in found if change.regressed(tolerance)]
    if grown:
        worse = ", ".join(f"{c.key} {c.before:,} -> {c.now:,} ({c.percent:+.2f} %)" for c in grown)
        raise ReportedError(f"{request.name} is worse than {saved_file}: {worse}", f"--tolerance is {tolerance:g} %")


def _measure(compiled: Compiled, board: Board, compiler: str, per_layer: bool, steps: Steps) -> BenchResult:
    """Build everything in a folder that is gone afterwards, and count; raises TinygenError."""
    need_countable(compiled, board)
    plan = compiled.plan
    with tempfile.TemporaryDirectory(prefix="tinygen-") as temporary:
        folder = Path(temporary) / "project"
        write_board_project([compiled], board, folder)
        stack = stack_of(compiled, board, steps)
        size = build_application([compiled], board, folder, [stack], steps)
        if size.code is None or not size.fits(board):
            # not as the ReportedError that it is: no JSON object has told it yet
            error = does_not_fit(size, board)
            raise TinygenError(str(error), error.hint)
        with steps.step(f"counting on {board.name}"):
            counts = count_instructions(compiled, board, folder, per_layer, steps.platformio)
    result = BenchResult(
        model=compiled.request.name,
        model_sha256=compiled.model.sha256,
        board=board.name,
        optimize=compiled.request.optimize,
        compiler=compiler,
        instructions=counts.invoke,
        arena_bytes=plan.arena_bytes,
        stack_bytes=size.stack,
        code_bytes=size.code,
        const_bytes=size.constants,
        macs=plan.program.macs,
        layers=(),
    )
    counted = zip(plan.steps, counts.layers, strict=True) if per_layer else ()
    layers = tuple(
        LayerCount(index, step.op.kind, step.op.name, step.call.kernel, step.macs, count)
        for index, (step, count) in enumerate(counted)
    )
    return replace(result, layers=layers)


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
        OUT.print(layer_table(result))
        rest = result.instructions - sum(layer.instructions for layer in result.layers)
        OUT.print(
            f"layers: of a second build with a hook behind each block of rows, whose own instructions are subtracted; "
            f"they differ from the whole by {rest:,}"
        )
    if found:
        OUT.print(change_table(found, tolerance))
    OUT.print(f"compiled with {result.compiler}", markup=False)

"""`tinygen tune`: try kernels and schedules on the board, keep the fastest in a file that the other commands read."""

from __future__ import annotations

import json
from pathlib import Path

import click

from tinygen.bench import compiler_version
from tinygen.boards import get_board
from tinygen.cli.options import BOARD, JSON, OPTIMIZED, PORT, source_options
from tinygen.cli.port import port_of
from tinygen.cli.progress import OUT, Steps
from tinygen.errors import TinygenError
from tinygen.pipeline import compile_model
from tinygen.report.tune_result import changed_kernels, tune_json, tune_table
from tinygen.request import Request
from tinygen.tune import Steps as Progress
from tinygen.tune import tune as find_fastest
from tinygen.tuned import Tuned, TuneFile, load_tune_file, save_tune_file, tune_file_of


@click.command(epilog="Example: tinygen tune vww.tflite --board qemu-cortex-m4 --max-arena 40000")
@BOARD
@PORT
@click.option(
    "--max-arena",
    type=click.IntRange(min=1),
    metavar="BYTES",
    help="The largest arena (default: that of the plan without tuning, as --optimize makes it).",
)
@click.option(
    "--tries",
    type=click.IntRange(min=1),
    default=8,
    show_default=True,
    metavar="N",
    help="How many plans to measure as a whole, behind the measuring of all layers.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="What to write (default: MODEL.tune.json beside MODEL, where the other commands find it).",
)
@JSON
@OPTIMIZED
@source_options
def tune(
    request: Request,
    board_name: str,
    port: str | None,
    max_arena: int | None,
    tries: int,
    output: Path | None,
    as_json: bool,
) -> None:
    """Find the fastest kernels and schedule of MODEL on BOARD by measuring them, and keep them in a file.

    Measures every candidate kernel of every layer, then the best plans as a whole: cycles, where the board tells them.
    The fastest is checked to the bit, and written to MODEL.tune.json: `build`, `test`, `run`, `flash`, `plan`,
    `generate` and `bench` take it for this board and --optimize. A file that is there keeps what it has for others.
    """
    board = get_board(board_name)
    port = port_of(board, port)
    if board.regions:
        raise TinygenError(f"{board.name} has several memories; tune plans one", "tune for a board that has one")
    steps = Steps()
    with steps.step(f"preparing {request.model.name}"):
        compiled = compile_model(request, None, steps.update, board.kernels)
    path = tune_file_of(request.model) if output is None else output
    file = TuneFile(compiled.model.sha256, ())
    if path.exists():
        known = load_tune_file(path)
        # what was tuned for the model of before is of no use
        file = known if known.model_sha256 == compiled.model.sha256 else file
    with steps.step(f"measuring on {board.name}"):
        outcome = find_fastest(compiled, board, port, max_arena, tries, Progress(steps.update, lambda line: None))
    best = outcome.best
    tuned = Tuned(
        board=board.name,
        optimize=request.optimize,
        compiler=compiler_version(board),
        kernels=best.names,
        schedule=best.schedule,
        arena_bytes=best.arena_bytes,
        metric=best.metric,
        measured=best.value,
    )
    save_tune_file(path, file.with_tuned(tuned))
    if as_json:
        click.echo(json.dumps(tune_json(outcome, tuned, path, max_arena), indent=2))
        return
    OUT.print(tune_table(outcome, tuned))
    for line in changed_kernels(outcome):
        OUT.print(line, markup=False)
    OUT.print(f"{outcome.trials} firmwares built; written: {path}", markup=False)

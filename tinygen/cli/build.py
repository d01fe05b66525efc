"""`tinygen build`: the whole line from a model file to a firmware that fits its board."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from tinygen.boards import Board, get_board
from tinygen.cli.mlperf import PROTOCOL, need_mlperf
from tinygen.cli.options import BOARD, JSON, PROJECT, models_options
from tinygen.cli.progress import OUT, Steps, warn_of_random
from tinygen.elf import section_sizes
from tinygen.errors import ReportedError, TinygenError
from tinygen.pipeline import Compiled, compile_model, write_board_project
from tinygen.platformio import DoesNotFit, build_firmware
from tinygen.regions import left_over
from tinygen.render.model import library_files
from tinygen.render.project import DEFAULT_TESTER, Tester
from tinygen.report.float_islands import island_lines, islands_json
from tinygen.report.size import Size, planned_size, size_json, size_table
from tinygen.request import Request
from tinygen.stack import Stack, invoke_stack

_EXAMPLES = (
    "Example: tinygen build --board esp32 kws.h5 --data kws.npz; "
    "tinygen build --board esp32s3 cats.keras --data photos/test,scale=0..1 --calibration photos/train,scale=0..1"
)


@click.command(epilog=_EXAMPLES)
@BOARD
@PROJECT
@PROTOCOL
@JSON
@models_options
def build(requests: tuple[Request, ...], board_name: str, project: Path | None, protocol: str, as_json: bool) -> None:
    """Build a PlatformIO project for BOARD from MODEL (.keras, .h5, SavedModel or int8 .tflite).

    The model is quantized to int8 with the samples of --data, its memory planned, written as C and compiled.
    A rebuild replaces what was generated; src/ and platformio.ini are yours. Several MODELs become one firmware:
    a library for each, and one arena, as large as the largest needs, in which they run one after the other.
    """
    board = get_board(board_name)
    folder = project or default_project(requests, board)
    steps = Steps()
    models = write_project_of(requests, board, folder, steps, Tester(protocol=protocol))
    stacks = [stack_of(compiled, board, steps) for compiled in models]
    if protocol == "mlperf":
        with steps.step(f"building the firmware for MLPerf Tiny's protocol, {board.name}_test"):
            build_firmware(folder, f"{board.name}_test", board, steps.platformio)
    size = build_application(models, board, folder, stacks, steps)
    described = [_described(compiled) for compiled in models]
    report = {
        "board": board.name,
        **(described[0] if len(models) == 1 else {"models": described}),
        "project_dir": str(folder),
        **size_json(size, board),
    }
    if as_json:
        click.echo(json.dumps(report, indent=2))
    else:
        OUT.print(size_table(size, board))
        for compiled, stack in zip(models, stacks, strict=True):
            for line in island_lines(compiled.plan.program.graph):
                OUT.print(line, soft_wrap=True)
            run = "push" if compiled.plan.features else "invoke"
            OUT.print(f"stack of {compiled.request.name}_{run}: {stack.text}")
        OUT.print(f"project: {folder}")
    if not size.fits(board):
        raise does_not_fit(size, board)


def _described(compiled: Compiled) -> dict[str, object]:
    return {
        "model": compiled.request.name,
        "model_sha256": compiled.model.sha256,
        "calibration": compiled.calibration.source,
        "recurrent": list(compiled.calibration.recurrent),
        "float_islands": islands_json(compiled.plan.program.graph),
    }


def default_project(requests: Sequence[Request], board: Board) -> Path:
    """Where `build` puts a project without -o, and where `test`, `run` and `flash` look for it."""
    return Path("-".join((*(request.name for request in requests), board.name)))


def write_project_of(
    requests: Sequence[Request], board: Board, folder: Path, steps: Steps, tester: Tester = DEFAULT_TESTER
) -> tuple[Compiled, ...]:
    """Compile the models and write their project; warns loudly of each that was calibrated on random input."""
    models = compile_for(requests, board, folder, steps)
    if tester.protocol == "mlperf":
        need_mlperf(models)
    write_board_project(models, board, folder, tester)
    for compiled in models:
        warn_of_random(compiled.calibration)
    return models


def compile_for(requests: Sequence[Request], board: Board, folder: Path, steps: Steps) -> tuple[Compiled, ...]:
    """The models compiled for a board, whose project is in `folder` or will be."""
    models, regions = [], board.regions
    for request in requests:
        with steps.step(f"preparing {request.model.name}"):
            models.append(compile_model(request, folder, steps.update, board.kernels, regions, board.name))
            regions = left_over(regions, models[-1].plan.flash)
    return tuple(models)


def stack_of(compiled: Compiled, board: Board, steps: Steps) -> Stack:
    """The stack that the model's NAME_invoke needs on a board."""
    with steps.step(f"compiling for the stack of {compiled.request.name}_invoke"):
        library = library_files(compiled.plan, compiled.model.sha256, compiled.labels)
        return invoke_stack(library, compiled.request.name, board)


def build_application(
    models: Sequence[Compiled], board: Board, folder: Path, stacks: Sequence[Stack], steps: Steps
) -> Size:
    """Build the application; its size, also when it does not fit. Raises TinygenError when it does not build."""
    planned = planned_size([compiled.plan for compiled in models], stacks)
    if not planned.fits(board):
        return planned
    try:
        with steps.step(f"building {board.name} with PlatformIO"):
            result = build_firmware(folder, board.name, board, steps.platformio)
    except DoesNotFit as error:
        return replace(planned, overflow=str(error))
    sizes = section_sizes(result.elf, [region.section for region in board.regions])
    return replace(planned, ram=sizes.ram, flash=sizes.flash)


def does_not_fit(size: Size, board: Board) -> TinygenError:
    """The error for a firmware that is too large, with the figures."""
    hint = "take a smaller model or a larger board (`tinygen boards`)"
    if size.overflow:
        return ReportedError(size.overflow, hint)
    spilled = [use for use in (*size.regions, *size.flash_regions) if not use.fits]
    if spilled:
        region, used = spilled[0].region, spilled[0].bytes
        return ReportedError(
            f"the model does not fit {board.name}: {used:,} bytes of {region.name}, which has {region.bytes:,}", hint
        )
    ram = size.static_arena + size.state if size.ram is None else size.ram
    flash = size.main_constants if size.flash is None else size.flash
    return ReportedError(
        f"the model does not fit {board.name}: it needs {ram + size.reserve(board):,} bytes of RAM (stack reserve "
        f"of {size.reserve(board):,} included) and {flash:,} of flash; the board has {board.ram_bytes:,} and "
        f"{board.flash_bytes:,}",
        hint,
    )

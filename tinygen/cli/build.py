"""`tinygen build`: the whole line from a model file to a firmware that fits its board."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import click

from tinygen.boards import Board, get_board
from tinygen.cli.options import BOARD, JSON, PROJECT, model_options
from tinygen.cli.progress import OUT, Steps, warn_of_random
from tinygen.elf import section_sizes
from tinygen.errors import ReportedError, TinygenError
from tinygen.pipeline import Compiled, Request, compile_model, write_board_project
from tinygen.platformio import DoesNotFit, build_firmware
from tinygen.render.model import library_files
from tinygen.report.float_islands import island_lines, islands_json
from tinygen.report.size import Size, planned_size, size_json, size_table
from tinygen.stack import Stack, invoke_stack


@click.command(epilog="Example: tinygen build --board esp32 kws.h5 --data kws.npz")
@BOARD
@PROJECT
@JSON
@model_options
def build(request: Request, board_name: str, project: Path | None, as_json: bool) -> None:
    """Build a PlatformIO project for BOARD from MODEL (.keras, .h5, SavedModel or int8 .tflite).

    The model is quantized to int8 with the samples of --data, its memory planned, written as C and compiled.
    A rebuild replaces what was generated; src/ and platformio.ini are yours.
    """
    board = get_board(board_name)
    folder = project or default_project(request, board)
    steps = Steps()
    compiled = write_project_of(request, board, folder, steps)
    stack = stack_of(compiled, board, steps)
    size = build_application(compiled, board, folder, stack, steps)
    report = {
        "board": board.name,
        "model": request.name,
        "model_sha256": compiled.model.sha256,
        "calibration": compiled.calibration.source,
        "recurrent": list(compiled.calibration.recurrent),
        "project_dir": str(folder),
        **size_json(size, board),
        "float_islands": islands_json(compiled.plan.program.graph),
    }
    if as_json:
        click.echo(json.dumps(report, indent=2))
    else:
        OUT.print(size_table(size, board))
        for line in island_lines(compiled.plan.program.graph):
            OUT.print(line, soft_wrap=True)
        OUT.print(f"stack of {request.name}_invoke: {stack.text}")
        OUT.print(f"project: {folder}")
    if not size.fits(board):
        raise does_not_fit(size, board)


def default_project(request: Request, board: Board) -> Path:
    """Where `build` puts a project without -o, and where `test`, `run` and `flash` look for it."""
    return Path(f"{request.name}-{board.name}")


def write_project_of(request: Request, board: Board, folder: Path, steps: Steps) -> Compiled:
    """Compile the model and write its project; warns loudly when it was calibrated on random input."""
    with steps.step(f"preparing {request.model.name}"):
        compiled = compile_model(request, folder, steps.update, board.kernels)
        write_board_project(compiled, board, folder)
    warn_of_random(compiled.calibration)
    return compiled


def stack_of(compiled: Compiled, board: Board, steps: Steps) -> Stack:
    """The stack that the model's NAME_invoke needs on a board."""
    with steps.step(f"compiling for the stack of {compiled.request.name}_invoke"):
        library = library_files(compiled.plan, compiled.model.sha256, compiled.labels)
        return invoke_stack(library, compiled.request.name, board)


def build_application(compiled: Compiled, board: Board, folder: Path, stack: Stack, steps: Steps) -> Size:
    """Build the application; its size, also when it does not fit. Raises TinygenError when it does not build."""
    planned = planned_size(compiled.plan, stack)
    if not planned.fits(board):
        return planned
    try:
        with steps.step(f"building {board.name} with PlatformIO"):
            result = build_firmware(folder, board.name, board, steps.platformio)
    except DoesNotFit as error:
        return replace(planned, overflow=str(error))
    sizes = section_sizes(result.elf)
    return replace(planned, ram=sizes.ram, flash=sizes.flash)


def does_not_fit(size: Size, board: Board) -> TinygenError:
    """The error for a firmware that is too large, with the figures."""
    hint = "take a smaller model or a larger board (`tinygen boards`)"
    if size.overflow:
        return ReportedError(size.overflow, hint)
    ram = size.arena if size.ram is None else size.ram
    flash = size.constants if size.flash is None else size.flash
    return ReportedError(
        f"the model does not fit {board.name}: it needs {ram + size.reserve(board):,} bytes of RAM (stack reserve "
        f"of {size.reserve(board):,} included) and {flash:,} of flash; the board has {board.ram_bytes:,} and "
        f"{board.flash_bytes:,}",
        hint,
    )

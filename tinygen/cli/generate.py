"""`tinygen generate`: only the C library, for projects that are not PlatformIO's."""

from __future__ import annotations

import json
from pathlib import Path

import click

from tinygen.boards import get_board
from tinygen.cli.options import JSON, models_options
from tinygen.cli.progress import OUT, Steps, warn_of_random
from tinygen.errors import TinygenError
from tinygen.load.arrays import write_atomically
from tinygen.pipeline import Compiled, compile_model, libraries_of, project_model
from tinygen.project import replace_folder
from tinygen.regions import left_over
from tinygen.render.arenas import arena_name
from tinygen.render.homes import FORMATS, laid_out, zipped
from tinygen.render.project import arduino_sketch
from tinygen.report.float_islands import island_lines, islands_json
from tinygen.request import Request


@click.command(epilog="Example: tinygen generate kws.h5 --board nucleo_f446re --format arduino")
@click.option(
    "-b", "--board", "board_name", metavar="BOARD", help="Kernels and memories of this board; else C for every core."
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(FORMATS),
    default="platformio",
    show_default=True,
    help="arduino: a zip for the Arduino IDE (Sketch > Include Library). esp-idf: a component. cmake: a library to "
    "add_subdirectory(). zephyr: a module. plain: the C alone. platformio is for PlatformIO, and the Arduino IDE too.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The library's folder (default: NAME in the current folder), replaced if it is one already; with --format "
    "arduino the file (default: NAME.zip); of several MODELs the folder that gets their libraries.",
)
@JSON
@models_options
def generate(
    requests: tuple[Request, ...], board_name: str | None, format_: str, output: Path | None, as_json: bool
) -> None:
    """Write the C library of MODEL: C99, no dependency, laid out for your build system.

    Of several MODELs a library for each, and one that holds the arena they share.
    """
    board = get_board(board_name) if board_name else None
    kernels, regions = (board.kernels, board.regions) if board else ("portable", ())
    folders = _folders(requests, output, format_)
    steps = Steps()
    models = []
    for request in requests:
        with steps.step(f"preparing {request.model.name}"):
            models.append(compile_model(request, None, steps.update, kernels, regions, board_name or ""))
            regions = left_over(regions, models[-1].plan.flash)
    _write(models, folders, format_)
    for compiled in models:
        warn_of_random(compiled.calibration)
    reports = [_report(compiled, folders[compiled.request.name]) for compiled in models]
    shared = {"arena_dir": str([*folders.values()][-1]), "arena_bytes": max(c.plan.arena_bytes for c in models)}
    if as_json:
        click.echo(json.dumps(reports[0] if len(models) == 1 else {"models": reports, **shared}, indent=2))
        return
    for compiled, report in zip(models, reports, strict=True):
        OUT.print(
            f"{report['library_dir']}: arena {report['arena_bytes']:,} bytes, "
            f"constants {report['const_bytes']:,} bytes",
            soft_wrap=True,
        )
        for line in island_lines(compiled.plan.program.graph):
            OUT.print(line, soft_wrap=True)
    if len(models) > 1:
        OUT.print(f"{shared['arena_dir']}: the arena that they share, {shared['arena_bytes']:,} bytes")


def _write(models: list[Compiled], folders: dict[str, Path], format_: str) -> None:
    libraries = libraries_of(models)
    arena = [*libraries][-1] if len(models) > 1 else ""
    sketches = {compiled.request.name: arduino_sketch(project_model(compiled)) for compiled in models}
    for name, library in libraries.items():
        files = laid_out(name, library, format_, arena, sketches.get(name, b""))
        if format_ == "arduino":
            write_atomically(folders[name], zipped(name, files))
        else:
            replace_folder(folders[name], files)


def _folders(requests: tuple[Request, ...], output: Path | None, format_: str) -> dict[str, Path]:
    """The folder (or zip) of each library; raises TinygenError when something else is there."""
    names = [request.name for request in requests]
    suffix = ".zip" if format_ == "arduino" else ""
    if len(names) == 1:
        folders = {names[0]: output or Path(f"{names[0]}{suffix}")}
    else:
        folders = {name: (output or Path()) / f"{name}{suffix}" for name in (*names, arena_name(names))}
    for name, folder in folders.items():
        if suffix and folder.is_dir():
            raise TinygenError(f"{folder} is a folder, and --format arduino makes a file", f"-o {folder}/{name}.zip", 2)
        if not suffix and folder.exists() and not _is_library(folder, name):
            raise TinygenError(f"{folder} is not empty and no generated library", "name another folder with -o")
    return folders


def _is_library(folder: Path, name: str) -> bool:
    """Whether it may be replaced: an empty folder, or one that tinygen has written."""
    if not folder.is_dir():
        return False
    headers = (folder / "src" / f"{name}.h", folder / f"{name}.h")
    generated = any(path.is_file() and b"Generated by tinygen" in path.read_bytes() for path in headers)
    return generated or (folder / "library.json").exists() or not any(folder.iterdir())


def _report(compiled: Compiled, folder: Path) -> dict[str, object]:
    return {
        "model": compiled.request.name,
        "model_sha256": compiled.model.sha256,
        "library_dir": str(folder),
        "arena_bytes": compiled.plan.arena_bytes,
        "const_bytes": compiled.plan.const_bytes,
        "float_islands": islands_json(compiled.plan.program.graph),
    }

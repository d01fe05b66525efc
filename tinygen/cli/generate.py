"""`tinygen generate`: only the C library, for projects that are not PlatformIO's."""

from __future__ import annotations

import json
from pathlib import Path

import click

from tinygen.boards import get_board
from tinygen.cli.options import JSON, models_options
from tinygen.cli.progress import OUT, Steps, warn_of_random
from tinygen.errors import TinygenError
from tinygen.pipeline import Compiled, Request, compile_model, libraries_of
from tinygen.project import replace_folder
from tinygen.render.arenas import arena_name
from tinygen.report.float_islands import island_lines, islands_json


@click.command(epilog="Example: tinygen generate kws.h5 --board nucleo_f446re -o lib/kws")
@click.option(
    "-b", "--board", "board_name", metavar="BOARD", help="Kernels and memories of this board; else C for every core."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="The library's folder (default: NAME in the current folder), replaced if it is one already; "
    "of several MODELs the folder that gets their libraries (default: the current one).",
)
@JSON
@models_options
def generate(requests: tuple[Request, ...], board_name: str | None, output: Path | None, as_json: bool) -> None:
    """Write the C library of MODEL: C99, no dependency, laid out for PlatformIO and the Arduino IDE.

    Of several MODELs a library for each, and one that holds the arena they share.
    """
    board = get_board(board_name) if board_name else None
    kernels, regions = (board.kernels, board.regions) if board else ("portable", ())
    folders = _folders(requests, output)
    steps = Steps()
    models = []
    for request in requests:
        with steps.step(f"preparing {request.model.name}"):
            models.append(compile_model(request, None, steps.update, kernels, regions))
    for name, files in libraries_of(models).items():
        replace_folder(folders[name], files)
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


def _folders(requests: tuple[Request, ...], output: Path | None) -> dict[str, Path]:
    """The folder of each library; raises TinygenError when one holds something else."""
    names = [request.name for request in requests]
    if len(names) == 1:
        folders = {names[0]: output or Path(names[0])}
    else:
        folders = {name: (output or Path()) / name for name in (*names, arena_name(names))}
    for folder in folders.values():
        if folder.exists() and not (folder / "library.json").exists() and any(folder.iterdir()):
            raise TinygenError(f"{folder} is not empty and no generated library", "name another folder with -o")
    return folders


def _report(compiled: Compiled, folder: Path) -> dict[str, object]:
    return {
        "model": compiled.request.name,
        "model_sha256": compiled.model.sha256,
        "library_dir": str(folder),
        "arena_bytes": compiled.plan.arena_bytes,
        "const_bytes": compiled.plan.program.const_bytes,
        "float_islands": islands_json(compiled.plan.program.graph),
    }

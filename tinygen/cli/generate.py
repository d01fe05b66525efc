"""`tinygen generate`: only the C library, for projects that are not PlatformIO's."""

from __future__ import annotations

import json
from pathlib import Path

import click

from tinygen.cli.options import JSON, model_options
from tinygen.cli.progress import OUT, Steps, warn_of_random
from tinygen.errors import TinygenError
from tinygen.pipeline import Request, compile_model
from tinygen.project import replace_folder
from tinygen.render.model import library_files
from tinygen.report.float_islands import island_lines, islands_json


@click.command(epilog="Example: tinygen generate kws.h5 -o lib/kws")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="The library's folder (default: NAME in the current folder); replaced if it is one already.",
)
@JSON
@model_options
def generate(request: Request, output: Path | None, as_json: bool) -> None:
    """Write the C library of MODEL: C99, no dependency, laid out for PlatformIO and the Arduino IDE."""
    folder = output or Path(request.name)
    if folder.exists() and not (folder / "library.json").exists() and any(folder.iterdir()):
        raise TinygenError(f"{folder} is not empty and no generated library", "name another folder with -o")
    steps = Steps()
    with steps.step(f"preparing {request.model.name}"):
        compiled = compile_model(request, None, steps.update)
        replace_folder(folder, library_files(compiled.plan, compiled.model.sha256, compiled.labels))
    warn_of_random(compiled.calibration)
    report = {
        "model": request.name,
        "model_sha256": compiled.model.sha256,
        "library_dir": str(folder),
        "arena_bytes": compiled.plan.arena_bytes,
        "const_bytes": compiled.plan.program.const_bytes,
        "float_islands": islands_json(compiled.plan.program.graph),
    }
    if as_json:
        click.echo(json.dumps(report, indent=2))
    else:
        OUT.print(
            f"{folder}: arena {compiled.plan.arena_bytes:,} bytes, "
            f"constants {compiled.plan.program.const_bytes:,} bytes",
            soft_wrap=True,
        )
        for line in island_lines(compiled.plan.program.graph):
            OUT.print(line, soft_wrap=True)

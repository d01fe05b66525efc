"""`tinygen matrix`: every model on every board, in one table and one JUnit file."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import click

from tinygen.boards import Board, get_board
from tinygen.cli.options import JSON, OPTIMIZED
from tinygen.cli.progress import ERR, OUT
from tinygen.errors import ReportedError, TinygenError
from tinygen.load.arrays import write_atomically
from tinygen.matrix import SUFFIXES, Runner, run_matrix
from tinygen.report.matrix import Pair, matrix_json, matrix_junit, matrix_table


@click.command(epilog="Example: tinygen matrix models/ --boards qemu-cortex-m0,qemu-cortex-m4,host --junit matrix.xml")
@click.argument("models", type=click.Path(path_type=Path, exists=True), nargs=-1, required=True, metavar="MODEL...")
@click.option("--boards", "names", required=True, metavar="A,B,C", help="See `tinygen boards`.")
@click.option("--samples", type=click.IntRange(min=1), default=20, show_default=True, help="Samples for each pair.")
@click.option("-j", "--jobs", type=click.IntRange(min=1), metavar="N", help="Pairs at a time (default: processors).")
@click.option(
    "-p",
    "--port",
    "ports",
    multiple=True,
    metavar="BOARD=PORT",
    help="Where a real board is; else it is only built.",
)
@click.option(
    "--junit", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Also JUnit XML, for CI."
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Keep the projects here."
)
@JSON
@OPTIMIZED
def matrix(
    models: tuple[Path, ...],
    names: str,
    samples: int,
    jobs: int | None,
    ports: tuple[str, ...],
    junit: Path | None,
    output: Path | None,
    as_json: bool,
    optimize: str,
) -> None:
    """Build, test and count every MODEL (a file, or all in a folder) on every board, several pairs at a time.

    A pair passes when every output is the int8 reference's to the bit. What does not fit a board is no failure.
    """
    boards = [get_board(name) for name in dict.fromkeys(filter(None, names.split(",")))]
    files = _files(models)
    with ExitStack() as stack:
        folder = output or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tinygen-")))
        folder.mkdir(parents=True, exist_ok=True)
        runner = Runner(folder.resolve(), samples, optimize, _ports(ports, boards))
        pairs = run_matrix(files, boards, runner, jobs or os.cpu_count() or 1, _say)
    if junit is not None:
        write_atomically(junit, matrix_junit(pairs))
    if as_json:
        click.echo(json.dumps(matrix_json(pairs), indent=2))
    else:
        OUT.print(matrix_table(pairs))
    failed = [pair for pair in pairs if pair.failed]
    if failed:
        first = failed[0]
        raise ReportedError(
            f"{len(failed)} of {len(pairs)} pairs failed; {first.model} on {first.board}: {first.detail}",
            f"`tinygen test --board {first.board} MODEL` shows more",
        )


def _files(models: Sequence[Path]) -> list[Path]:
    """The model files, those of folders sorted by name; raises TinygenError when there are none, or two of a name."""
    files: list[Path] = []
    for path in models:
        inside = sorted(p for p in path.iterdir() if p.suffix in SUFFIXES) if path.is_dir() else [path]
        if not inside:
            raise TinygenError(f"{path} has no model in it", f"models end in {', '.join(SUFFIXES)}", 2)
        files += [file.resolve() for file in inside]
    names = [file.stem for file in files]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise TinygenError(f"two models are called '{twice}'", "rename one, or run them apart", 2)
    return files


def _ports(given: Sequence[str], boards: Sequence[Board]) -> dict[str, str]:
    ports = dict(text.partition("=")[::2] for text in given)
    for name, port in ports.items():
        if not port or name not in {board.name for board in boards}:
            raise TinygenError(f"--port {name}={port} names none of --boards", "e.g. --port esp32=/dev/ttyUSB0", 2)
    return ports


def _say(pair: Pair) -> None:
    detail = f": {pair.detail}" if pair.detail else ""
    ERR.print(f"{pair.model} on {pair.board}: {pair.outcome}{detail} ({pair.seconds:.1f} s)", markup=False)

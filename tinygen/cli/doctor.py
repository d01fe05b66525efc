"""`tinygen doctor`: what is installed and what is missing for a board; or what ails a quantized model."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import click
from rich.table import Table
from serial.tools.list_ports import comports

from tinygen import __version__
from tinygen.boards import Board, get_board, load_boards
from tinygen.cli.options import INPUT_SHAPE, JSON, Shape
from tinygen.cli.progress import OUT, Steps
from tinygen.errors import TinygenError
from tinygen.installed import how_to_install, needs_of
from tinygen.load.arrays import write_atomically
from tinygen.pipeline import Request, make_request, quantize_request
from tinygen.report.diagnosis import diagnosis_page, diagnosis_text


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `ok` is None where it is not needed for everything."""

    what: str
    ok: bool | None
    detail: str


@click.command(epilog="Example: tinygen doctor --board qemu-stm32f405; tinygen doctor kws.h5 --html kws.html")
@click.argument("model", type=click.Path(path_type=Path), required=False)
@click.option("-b", "--board", "board_name", metavar="BOARD", help="Look only for what this board needs.")
@click.option("--data", metavar="FILE[:KEY]", help="Samples to look at MODEL with; default: MODEL's stem + .npz.")
@click.option(
    "--html", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write MODEL's as a page."
)
@click.option("--unsafe-lambda", is_flag=True, help="Run Lambda layers: Python code out of the model file.")
@INPUT_SHAPE
@JSON
def doctor(
    model: Path | None,
    board_name: str | None,
    data: str | None,
    html: Path | None,
    unsafe_lambda: bool,
    input_shapes: tuple[Shape, ...],
    as_json: bool,
) -> None:
    """Say what is installed on this computer and what is missing, with how to get it.

    Exits with 1 when something is missing that is always needed, or that an emulated BOARD needs. Without --board
    every emulated board is looked at: its compiler, the C library for that, its emulator, its Arduino core.

    With MODEL, a Keras model: say what its quantization costs on samples, layer by layer, what causes it, and what
    each remedy wins.
    """
    if model is not None:
        _look_at(make_request(model, None, data, dict(input_shapes), unsafe_lambda), html, as_json)
        return
    boards = (get_board(board_name),) if board_name else tuple(board for board in load_boards() if board.emulated)
    findings = [*_packages(), *(_board(board, needed=board_name is not None) for board in boards), *_ports()]
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        table = Table()
        for header in ("", "what", "detail"):
            table.add_column(header)
        for f in findings:
            mark = "[green]ok[/]" if f.ok else "[yellow]-[/]" if f.ok is None else "[red]missing[/]"
            table.add_row(mark, f.what, f.detail)
        OUT.print(table)
    if any(f.ok is False for f in findings):
        sys.exit(1)


def _look_at(request: Request, html: Path | None, as_json: bool) -> None:
    """The model's diagnosis, to the terminal and the page. Raises TinygenError."""
    if request.is_tflite:
        raise TinygenError(f"{request.model.name} has no float model to compare with", "give the .h5 or .keras file")
    if request.data is None:
        raise TinygenError("there is no data to look at the model with", "give --data FILE")
    steps = Steps()
    with steps.step(f"looking at {request.model.name}"), tempfile.TemporaryDirectory(prefix="tinygen-") as folder:
        result = quantize_request(request, Path(folder) / "model.tflite", steps.update, diagnose=True)
    assert result.quality is not None
    assert result.diagnosis is not None
    report = {"model": request.name, **asdict(result.quality), **result.diagnosis}
    if html is not None:
        write_atomically(html, diagnosis_page(report))
    if as_json:
        click.echo(json.dumps(report, indent=2))
    else:
        click.echo(diagnosis_text(report))


def _packages() -> list[Finding]:
    version = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    findings = [Finding("Python", True, version), Finding("tinygen", True, __version__)]
    for name in ("platformio", "scons", "ai-edge-litert", "numpy"):
        found = _version(name)
        findings.append(Finding(name, found is not None, found or f"pip install {name}"))
    tensorflow = _version("tensorflow-cpu") or _version("tensorflow")
    hint = "pip install tensorflow; only Keras models need it, int8 .tflite files do not"
    return [*findings, Finding("TensorFlow", True if tensorflow else None, tensorflow or hint)]


def _board(board: Board, needed: bool) -> Finding:
    """Whether all is there that the board needs, and what is not; PlatformIO downloads what a real one needs."""
    needs = needs_of(board)
    missing = [need.what for need in needs if not need.found]
    if not missing:
        return Finding(board.name, True, ", ".join(need.what for need in needs))
    ok = False if needed and board.emulated else None
    return Finding(board.name, ok, f"missing: {', '.join(missing)}; {how_to_install(board)}")


def _ports() -> list[Finding]:
    ports = [f"{port.device} ({port.description})" for port in comports()]
    return [Finding("serial ports", True if ports else None, ", ".join(ports) or "no board is connected")]


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None

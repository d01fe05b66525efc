"""`tinygen doctor`: what is installed and what is missing for a board; or what ails a quantized model."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import click
from rich.table import Table
from serial.tools.list_ports import comports

from tinygen import __version__
from tinygen.boards import Board, get_board, load_boards
from tinygen.cli.look_at import look_at
from tinygen.cli.options import DATA, INPUT_SHAPE, JSON, Shape, calibration_options
from tinygen.cli.progress import OUT
from tinygen.installed import how_to_install, needs_of
from tinygen.request import make_request


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `ok` is None where it is not needed for everything."""

    what: str
    ok: bool | None
    detail: str


_EXAMPLES = (
    "Example: tinygen doctor --board qemu-stm32f405; tinygen doctor kws.h5 --html kws.html; "
    "tinygen doctor cats.keras --data photos/test --calibration photos/train --robustness; "
    "tinygen doctor gestures.tflite --data imu.csv,hop=20,label=gesture --robustness"
)


@click.command(epilog=_EXAMPLES)
@click.argument("model", type=click.Path(path_type=Path), required=False)
@click.option("-b", "--board", "board_name", metavar="BOARD", help="Look only for what this board needs.")
@DATA
@calibration_options
@click.option(
    "--robustness",
    is_flag=True,
    help="Also say what shifts of the input do (noise, gain, offset, blur, moved in time, FGSM), float and int8 beside "
    "one another.",
)
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
    calibration: str | None,
    calibration_samples: int,
    robustness: bool,
    html: Path | None,
    unsafe_lambda: bool,
    input_shapes: tuple[Shape, ...],
    as_json: bool,
) -> None:
    """Say what is installed on this computer and what is missing, with how to get it.

    Exits with 1 when something is missing that is always needed, or that an emulated BOARD needs. Without --board
    every emulated board is looked at: its compiler, the C library for that, its emulator, its Arduino core.

    With MODEL, a Keras model: say what its quantization costs on samples, layer by layer, what causes it, and what
    each remedy wins. With an int8 .tflite: whether the samples fit it, and its --robustness.
    """
    if model is not None:
        shapes = dict(input_shapes)
        request = make_request(
            model,
            None,
            data,
            shapes,
            unsafe_lambda,
            calibration=calibration,
            calibration_samples=calibration_samples,
        )
        look_at(request, html, as_json, robustness)
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

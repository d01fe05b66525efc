"""`tinygen doctor`: what is installed, and what is missing for a board."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import shutil
import sys
from dataclasses import asdict, dataclass

import click
from rich.table import Table
from serial.tools.list_ports import comports

from tinygen import __version__
from tinygen.boards import Board, get_board, load_boards
from tinygen.cli.options import JSON
from tinygen.cli.progress import OUT


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `ok` is None where it is not needed for everything."""

    what: str
    ok: bool | None
    detail: str


@click.command(epilog="Example: tinygen doctor --board qemu-stm32f405")
@click.option("-b", "--board", "board_name", metavar="BOARD", help="Look only for what this board needs.")
@JSON
def doctor(board_name: str | None, as_json: bool) -> None:
    """Say what is installed on this computer and what is missing, with how to get it.

    Exits with 1 when something is missing that is always needed, or that BOARD needs.
    """
    boards = (get_board(board_name),) if board_name else load_boards()
    findings = [*_packages(), *(f for board in boards for f in _board(board, needed=board_name is not None)), *_ports()]
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


def _board(board: Board, needed: bool) -> list[Finding]:
    """The programs that a board needs on PATH; real boards get theirs from PlatformIO."""
    if not board.emulated:
        return []
    missing = False if needed else None
    findings = []
    for program in board.programs:
        path = shutil.which(program)
        hint = f"apt install {' '.join(board.apt)}" if board.apt else "install it"
        findings.append(Finding(f"{board.name}: {program}", True if path else missing, path or hint))
    return findings


def _ports() -> list[Finding]:
    ports = [f"{port.device} ({port.description})" for port in comports()]
    return [Finding("serial ports", True if ports else None, ", ".join(ports) or "no board is connected")]


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None

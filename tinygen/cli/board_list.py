"""`tinygen boards`: what --board takes."""

from __future__ import annotations

import json
from dataclasses import asdict

import click
from rich.table import Table

from tinygen.boards import Board, load_boards
from tinygen.cli.options import JSON
from tinygen.cli.progress import OUT


@click.command(epilog="Example: tinygen boards --json")
@JSON
def boards(as_json: bool) -> None:
    """List the boards, real and emulated, with what an application may use of them."""
    found = load_boards()
    if as_json:
        click.echo(json.dumps([asdict(board) for board in found], indent=2))
        return
    table = Table()
    for header in ("--board", "board", "core", "RAM", "flash", "kind"):
        table.add_column(header, justify="right" if header in ("RAM", "flash") else "left", no_wrap=header != "board")
    for board in found:
        table.add_row(*_row(board))
    OUT.print(table)


def _row(board: Board) -> tuple[str, ...]:
    return (
        board.name,
        board.title,
        board.core,
        f"{board.ram_bytes // 1024:,} KB",
        f"{board.flash_bytes // 1024:,} KB",
        "emulated" if board.emulated else "real",
    )

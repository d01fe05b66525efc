"""On which serial port is a real board? What `flash`, `test`, `run`, `bench` and `tune` do before they build."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from tinygen.boards import Board
from tinygen.cli.progress import ERR
from tinygen.device.ports import check_port
from tinygen.device.usb import UsbPort, choose_port, choose_upload_port


def port_of(board: Board, port: str | None) -> str | None:
    """The port to talk to a real board on: the one that was given, else found by USB; of several the user is asked.

    None for an emulated board without one. Raises TinygenError when there is none, or it may not be used.
    """
    return _checked(port or choose_port(board, _ask)) if not board.emulated else port


def upload_port_of(board: Board, port: str | None) -> str | None:
    """As port_of, but None for a board whose programmer is no serial port."""
    return _checked(port or choose_upload_port(board, _ask)) if not board.emulated else port


def _checked(port: str | None) -> str | None:
    if port is not None:
        check_port(port)
        ERR.print(f"port: {port}", markup=False)
    return port


def _ask(ports: Sequence[UsbPort]) -> UsbPort | None:
    """Which of several ports; None where nobody is there to answer."""
    if not sys.stdin.isatty():
        return None
    for number, port in enumerate(ports, start=1):
        click.echo(f"  {number}  {port.text}", err=True)
    number = click.prompt("which one is the board", type=click.IntRange(1, len(ports)), err=True)
    return ports[int(number) - 1]

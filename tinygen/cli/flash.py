"""`tinygen flash`: build the application and bring it onto the board."""

from __future__ import annotations

from pathlib import Path

import click

from tinygen.boards import get_board
from tinygen.cli.build import build_application, default_project, does_not_fit, stack_of, write_project_of
from tinygen.cli.mlperf import PROTOCOL
from tinygen.cli.options import BOARD, PORT, PROJECT, models_options
from tinygen.cli.port import upload_port_of
from tinygen.cli.progress import OUT, Steps
from tinygen.platformio import upload
from tinygen.render.project import Tester
from tinygen.request import Request


@click.command(epilog="Example: tinygen flash kws.h5 --board esp32 --port /dev/ttyUSB0")
@BOARD
@PORT
@PROJECT
@PROTOCOL
@models_options
def flash(
    requests: tuple[Request, ...], board_name: str, port: str | None, project: Path | None, protocol: str
) -> None:
    """Build MODEL's application for BOARD and upload it with PlatformIO.

    Without --port the board is found by its USB VID and PID (`usb` in its TOML); of several you are asked. An
    emulated board is started, and goes on running until `pio run -t stop` in the project's folder. With --protocol
    mlperf it is the firmware for MLPerf Tiny's runner that is uploaded, not the application.
    """
    board = get_board(board_name)
    port = upload_port_of(board, port)
    folder = project or default_project(requests, board)
    steps = Steps()
    models = write_project_of(requests, board, folder, steps, Tester(protocol=protocol))
    stacks = [stack_of(compiled, board, steps) for compiled in models]
    size = build_application(models, board, folder, stacks, steps)
    if not size.fits(board):
        raise does_not_fit(size, board)
    with steps.step(f"uploading to {board.name}"):
        firmware = f"{board.name}_test" if protocol == "mlperf" else board.name
        upload(folder, firmware, board, port, steps.platformio)
    names = " and ".join(request.name for request in requests)
    OUT.print(f"{board.name} runs {names}; see what it prints: pio device monitor -d {folder}")

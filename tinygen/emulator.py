"""Runs a firmware on an emulated board for as long as a `with` lasts, its UART on a TCP port.

Place in the flow: after platformio.py has built it; device/link.py opens the URL as it would a serial port.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tinygen.boards import EMULATED_PLATFORM_DIR, Board
from tinygen.errors import TinygenError

_STARTS = 5
_START_SECONDS = 10.0
_SETTLE_SECONDS = 0.1


@contextmanager
def running(board: Board, elf: Path, arguments: Sequence[str] = ()) -> Iterator[str]:
    """Start the emulator of `board` with `elf`; yields the URL (socket://127.0.0.1:PORT) of its UART.

    arguments: more of them for the emulator.
    The process is ended when the `with` is left, whatever happened. Raises TinygenError when the emulator is not
    installed or does not start.
    """
    if not board.emulated:
        raise TinygenError(f"{board.name} is a real board, there is no emulator for it")
    with tempfile.TemporaryFile() as log:
        process, port = _start(board, elf, arguments, log)
        try:
            yield f"socket://127.0.0.1:{port}"
        finally:
            _end(process)


def _start(board: Board, elf: Path, arguments: Sequence[str], log: IO[bytes]) -> tuple[subprocess.Popen[bytes], int]:
    """Start it on a free port; again on another one when it ends at once, as it does when the port was taken."""
    for _ in range(_STARTS):
        port = _free_port()
        names = {"elf": elf.resolve(), "port": port, "python": sys.executable, "platform": EMULATED_PLATFORM_DIR}
        argv = [*(part.format(**names) for part in board.emulator), *arguments]
        if shutil.which(argv[0]) is None:
            raise TinygenError(
                f"{argv[0]} is not installed; {board.name} needs it",
                f"on Debian or Ubuntu: sudo apt install {' '.join(board.apt)}",
            )
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        try:
            if _listens(process, port):
                return process, port
        except BaseException:
            _end(process)
            raise
        _end(process)
    log.seek(0)
    said = log.read().decode(errors="replace").strip()[-300:]
    raise TinygenError(f"the emulator of {board.name} does not start: {said or 'it says nothing'}")


def _listens(process: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until the port takes a connection and the process is still there a moment later."""
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.01)
            continue
        time.sleep(_SETTLE_SECONDS)  # had another program the port, ours is about to end
        return process.poll() is None
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

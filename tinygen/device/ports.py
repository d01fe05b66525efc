"""Opens a serial port, or a socket:// URL, and says plainly why it cannot be opened."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
import sys
import time
from pathlib import Path

import serial
from serial.tools.list_ports import comports

from tinygen.errors import TinygenError

READ_SECONDS = 0.03
_WRITE_SECONDS = 10.0


def open_port(port: str, baud: int) -> serial.Serial:
    """A tty, a COM port or a URL of pyserial's (socket://HOST:PORT), for this program alone.

    Reading gives up after READ_SECONDS with what there is. Raises TinygenError: not there, in use, not permitted.
    """
    holder = _holder(port)
    if holder:
        raise _busy(port, holder)
    # pyserial's rfc2217:// knows no timeout for writing
    write_timeout = None if port.startswith("rfc2217://") else _WRITE_SECONDS
    try:
        opened = serial.serial_for_url(
            port, baudrate=baud, timeout=READ_SECONDS, write_timeout=write_timeout, exclusive=True
        )
    except (serial.SerialException, OSError, ValueError, NotImplementedError) as error:
        raise _explain(port, error) from error
    wire = getattr(opened, "_socket", None)
    if isinstance(wire, socket.socket):
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    elif sys.platform == "linux":  # a USB adapter holds bytes back for 16 ms otherwise; a pty cannot do this
        with contextlib.suppress(OSError, ValueError):
            opened.set_low_latency_mode(True)
    return opened


def check_port(port: str) -> None:
    """Raise TinygenError when a tty is not there, is in use, or may not be opened; without opening it.

    Opening it would reset many a board.
    """
    if is_url(port) or sys.platform == "win32":
        return
    if not os.path.exists(port):
        raise _missing(port)
    holder = _holder(port)
    if holder:
        raise _busy(port, holder)
    if not os.access(port, os.R_OK | os.W_OK):
        raise not_permitted(port)


def await_port(port: str, seconds: float = 8.0) -> None:
    """Wait until a tty may be opened: a board that is its own USB device goes away with an upload, and comes back."""
    give_up = time.monotonic() + seconds
    while not (is_url(port) or sys.platform == "win32" or os.access(port, os.R_OK | os.W_OK)):
        if time.monotonic() > give_up:
            return  # whoever opens it says why that fails
        time.sleep(0.1)


def busy(port: str) -> TinygenError:
    """The error for a port that another program has; it names the program where that can be known."""
    return _busy(port, _holder(port) or "another program")


def not_permitted(port: str) -> TinygenError:
    """The error for a port that may not be opened; it names the group that may."""
    return TinygenError(f"you have no permission to open {port}", _group_hint(port))


def close_port(opened: serial.Serial) -> None:
    """Close it for good: pyserial leaves a socket open whose other end has gone away."""
    wire = getattr(opened, "_socket", None)
    opened.close()
    if isinstance(wire, socket.socket):
        wire.close()


def is_url(port: str) -> bool:
    """Whether it is something that pyserial connects to, with no wire and no baud rate behind it."""
    return "://" in port


def _explain(port: str, error: Exception) -> TinygenError:
    code, text = getattr(error, "errno", None), str(error)
    if is_url(port):
        return TinygenError(f"nothing answers at {port}: {text}", "start the board there first, or check the number")
    if isinstance(error, ValueError):
        return TinygenError(f"{port} cannot be opened: {text}", "a port looks like /dev/ttyUSB0, COM3 or socket://...")
    if code == errno.ENOENT or "FileNotFoundError" in text:
        return _missing(port)
    if code == errno.EACCES:
        return not_permitted(port)
    if code == errno.EBUSY or "exclusively lock" in text or "Access is denied" in text:
        return _busy(port, "another program")
    return TinygenError(f"{port} cannot be opened: {text}", "is it the board's serial port?")


def _missing(port: str) -> TinygenError:
    found = ", ".join(p.device for p in comports())
    return TinygenError(
        f"there is no serial port {port}", f"ports: {found}" if found else "no port is there: connect the board"
    )


def _busy(port: str, holder: str) -> TinygenError:
    return TinygenError(f"{port} is in use by {holder}", "close that program (a serial monitor?) and try again")


def _group_hint(port: str) -> str:
    if sys.platform == "win32":
        return "close other programs that may use it"
    import grp

    try:
        group = grp.getgrgid(os.stat(port).st_gid).gr_name
    except (OSError, KeyError):
        return "add yourself to the group that owns it"
    return f"sudo usermod -aG {group} $USER, then log out and in again"


def _holder(port: str) -> str:
    """The program that has a tty open, as "NAME (process N)"; empty when none is known (Linux only)."""
    try:
        if not stat.S_ISCHR(os.stat(port).st_mode):
            return ""
    except (OSError, ValueError):
        return ""
    wanted = os.path.realpath(port)
    for process in Path("/proc").glob("[0-9]*"):
        if process.name == str(os.getpid()):
            continue
        try:
            if any(os.readlink(file) == wanted for file in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()} (process {process.name})"
        except OSError:
            continue  # it has ended, or is somebody else's
    return ""

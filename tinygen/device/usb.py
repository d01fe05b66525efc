"""Which serial port is the board? By the USB VID and PID that its TOML names.

Place in the flow: before an upload or a test, where the user gave no --port.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from serial.tools.list_ports import comports

from tinygen.boards import Board
from tinygen.errors import TinygenError

# PlatformIO's upload protocols that go over a serial port; the others find their programmer or bootloader by USB
_SERIAL = frozenset({"arduino", "avr109", "esptool", "sam-ba", "serial", "wiring"})


@dataclass(frozen=True, slots=True)
class UsbPort:
    """A serial port behind USB; `usb` is its VID:PID, `known` whether the board's TOML names that."""

    device: str
    usb: str
    description: str
    known: bool

    @property
    def text(self) -> str:
        """For people: what it is and where."""
        return f"{self.device} ({self.description}, {self.usb})"


Ask = Callable[[Sequence[UsbPort]], UsbPort | None]


def usb_ports(board: Board) -> tuple[UsbPort, ...]:
    """The ports that may be the board: those that its TOML names, else every one behind USB; by device name."""
    found = []
    for port in comports():
        if port.vid is not None and port.pid is not None:
            usb = f"{port.vid:04X}:{port.pid:04X}"
            found.append(UsbPort(port.device, usb, port.product or port.description or "USB", usb in board.usb))
    known = [port for port in found if port.known]
    return tuple(sorted(known or found, key=lambda port: port.device))


def choose_upload_port(board: Board, ask: Ask) -> str | None:
    """The port to upload to as choose_port finds it, or None where the upload needs none."""
    return choose_port(board, ask) if board.upload_protocol in _SERIAL else None


def choose_port(board: Board, ask: Ask) -> str:
    """The port that the board talks on.

    ask: which of several ports; None when nobody can be asked. A port that is not known to be the board's is asked
    for, too. Raises TinygenError when there is none, or too many and nobody to ask.
    """
    ports = usb_ports(board)
    if len(ports) == 1 and ports[0].known:
        return ports[0].device
    if not ports:
        raise TinygenError(
            f"no serial port behind USB is there: is {board.title} connected?",
            "a cable that only charges has no data lines; Windows may need the converter's driver; or give --port",
        )
    chosen = ask(ports)
    if chosen is not None:
        return chosen.device
    shown = ", ".join(port.text for port in ports)
    what = "several may be" if ports[0].known else "none is known to be"
    raise TinygenError(f"of the serial ports {what} {board.title}: {shown}", f"give one: --port {ports[0].device}")

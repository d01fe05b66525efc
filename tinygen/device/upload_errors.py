"""What an upload tool printed when it failed, as one sentence and what to do.

Place in the flow: platformio.py asks here before it quotes the tool.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tinygen.boards import Board
from tinygen.device.ports import busy, not_permitted
from tinygen.errors import TinygenError

# The tools: esptool, avrdude, openocd and st-flash, bossac, picotool; most name the port themselves.
_PERMISSION = re.compile(r"permission denied", re.IGNORECASE)
_USB_PERMISSION = re.compile(r"LIBUSB_ERROR_ACCESS|insufficient permissions|couldn't open USB|unable to open USB", re.I)
_BUSY = re.compile(
    r"resource busy|exclusively lock|port is busy|Access is denied|PermissionError\(13, 'Access", re.IGNORECASE
)
_NO_PORT = re.compile(
    r"specify `upload_port`|No such file or directory: '/dev|could not open port .*FileNotFound", re.I
)
_PORT = re.compile(r"(/dev/[A-Za-z0-9._/-]+|COM\d+)")

_UDEV = (
    "install PlatformIO's udev rules (https://docs.platformio.org/en/latest/core/installation/udev-rules.html): "
    "/etc/udev/rules.d/99-platformio-udev.rules, then `sudo udevadm control --reload-rules` and plug it in again"
)
# of what only one kind of board says: (pattern, message, hint)
_SPECIAL = (
    (
        re.compile(r"Failed to connect to ESP|Wrong boot mode detected|No serial data received|Invalid head of packet"),
        "does not enter its bootloader",
        "hold its BOOT button (on an ESP32-CAM: connect GPIO0 to GND), press RESET (EN), upload again, and let go "
        "when it connects; a slower upload_speed in platformio.ini helps bad cables",
    ),
    (
        re.compile(r"not in sync|programmer is not responding|stk500\w*\(\)|unable to open programmer"),
        "does not answer as an Arduino bootloader",
        "is it this board, and this port? Take shields and wires off pins 0 and 1; old Nanos want "
        "`upload_speed = 57600` in platformio.ini, new ones 115200",
    ),
    (
        re.compile(r"BOOTSEL|No accessible RP2040|RP2 devices?.*not found", re.IGNORECASE),
        "is not in its bootloader",
        "hold BOOTSEL while you plug it in, then upload again",
    ),
    (
        re.compile(r"No device found on|SAM-BA operation failed"),
        "is not in its bootloader",
        "press its reset button twice quickly (the LED pulses), then upload again, with the new port if it changed",
    ),
    (
        re.compile(
            r"Error: open failed|Couldn't find any ST-Link|No ST-?LINK detected|init mode failed|target voltage"
        ),
        "is not found by its ST-Link",
        "connect the ST-Link (of a Blue or Black Pill: 3V3, SWDIO, SWCLK, GND); hold RESET while the upload begins "
        "if its program switches SWD off",
    ),
)


def explain_upload(lines: Sequence[str], board: Board, port: str | None) -> TinygenError | None:
    """The failure that these lines of an upload tool stand for, or None when they say nothing known."""
    text = "\n".join(lines)
    named = _PORT.search(text)
    where = port or (named[1] if named else "the port")
    if _USB_PERMISSION.search(text):
        return TinygenError(f"you have no permission to use the programmer of {board.title} over USB", _UDEV)
    if _PERMISSION.search(text):
        denied = not_permitted(where)
        return TinygenError(str(denied), f"{denied.hint}; or {_UDEV}")
    if _BUSY.search(text):
        return busy(where)
    for pattern, message, hint in _SPECIAL:
        if pattern.search(text):
            return TinygenError(f"{board.title} {message}", hint)
    if _NO_PORT.search(text):
        return TinygenError(f"there is no port for {board.title}", "connect the board, or give --port")
    return None

"""Finding a board by its USB VID and PID, and what upload tools print when they fail."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from tests.support.models import small_model
from tinygen import platformio
from tinygen.boards import get_board
from tinygen.cli import cli
from tinygen.cli import port as port_module
from tinygen.cli.flash import flash
from tinygen.device import ports, usb
from tinygen.device.ports import await_port, check_port
from tinygen.device.upload_errors import explain_upload
from tinygen.device.usb import UsbPort, choose_port, choose_upload_port
from tinygen.errors import TinygenError

# the package tinygen.cli has the command under this name
flash_module = sys.modules["tinygen.cli.flash"]
on_board = sys.modules["tinygen.cli.on_board"]
ESP32, UNO, NUCLEO = get_board("esp32"), get_board("uno"), get_board("nucleo_f446re")


@dataclass
class Port:
    """As pyserial's ListPortInfo."""

    device: str
    vid: int | None = None
    pid: int | None = None
    product: str | None = None
    description: str = "n/a"


BUILT_IN = Port("/dev/ttyS0")
CP2102 = Port("/dev/ttyUSB1", 0x10C4, 0xEA60, "CP2102 USB to UART Bridge")
CH340 = Port("/dev/ttyUSB0", 0x1A86, 0x7523, "USB Serial")
PRINTER = Port("/dev/ttyACM9", 0x1234, 0x5678, "Some printer")


@pytest.fixture
def tty() -> Iterator[str]:
    ours, theirs = pty.openpty()
    name = os.ttyname(theirs)
    os.close(theirs)
    yield name
    os.close(ours)


def nobody(found: Sequence[UsbPort]) -> UsbPort | None:
    return None


def connect(monkeypatch: pytest.MonkeyPatch, *found: Port) -> None:
    monkeypatch.setattr(usb, "comports", lambda: list(found))


def test_the_only_one_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, BUILT_IN, PRINTER, CP2102)
    assert choose_port(ESP32, nobody) == "/dev/ttyUSB1"


def test_of_several_the_user_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, CP2102, PRINTER, CH340)
    seen: list[str] = []

    def second(found: Sequence[UsbPort]) -> UsbPort:
        seen.extend(port.text for port in found)
        return found[1]

    assert choose_port(ESP32, second) == "/dev/ttyUSB1"
    assert seen == [
        "/dev/ttyUSB0 (USB Serial, 1A86:7523)",
        "/dev/ttyUSB1 (CP2102 USB to UART Bridge, 10C4:EA60)",
    ]
    with pytest.raises(TinygenError, match=r"several may be ESP32 DevKit: /dev/ttyUSB0 .*ttyUSB1") as e:
        choose_port(ESP32, nobody)
    assert e.value.hint == "give one: --port /dev/ttyUSB0"


def test_an_unknown_converter_is_asked_for_even_if_it_is_the_only_one(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, BUILT_IN, PRINTER)
    assert choose_port(UNO, lambda found: found[0]) == "/dev/ttyACM9"
    with pytest.raises(TinygenError, match=r"none is known to be Arduino Uno: /dev/ttyACM9 \(Some printer, 1234:5678"):
        choose_port(UNO, nobody)


def test_no_port_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, BUILT_IN)
    with pytest.raises(TinygenError, match="is Arduino Uno connected") as e:
        choose_port(UNO, nobody)
    assert "only charges" in e.value.hint


def test_a_debugger_needs_no_port(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, Port("/dev/ttyACM0", 0x0483, 0x374B, "STM32 STLink"))
    assert choose_upload_port(NUCLEO, nobody) is None
    assert choose_port(NUCLEO, nobody) == "/dev/ttyACM0"  # but it talks on one


ESPTOOL = """
Serial port /dev/ttyUSB0
Connecting......................................
A fatal error occurred: Failed to connect to ESP32: Wrong boot mode detected (0x13)! No download mode.
*** [upload] Error 2
"""
ESPTOOL_BUSY = "could not open port '/dev/ttyUSB0': [Errno 16] Device or resource busy: '/dev/ttyUSB0'"
ESPTOOL_DENIED = "could not open port '/dev/nowhere': [Errno 13] Permission denied: '/dev/nowhere'"
AVRDUDE = """
avrdude: stk500_recv(): programmer is not responding
avrdude: stk500_getsync() attempt 1 of 10: not in sync: resp=0x00
"""
AVRDUDE_DENIED = 'avrdude: ser_open(): can\'t open device "/dev/ttyACM0": Permission denied'
OPENOCD = "Error: libusb_open() failed with LIBUSB_ERROR_ACCESS\nError: open failed"
OPENOCD_NONE = "Info : clock speed 480 kHz\nError: open failed\nin procedure 'program'"
PICOTOOL = "No accessible RP2040 devices in BOOTSEL mode were found."
BOSSAC = "No device found on ttyACM0"
PIO = "Error: Please specify `upload_port` for environment or use global `--upload-port` option."


@pytest.mark.parametrize(
    ("name", "text", "said", "hint"),
    [
        ("esp32", ESPTOOL, "ESP32 DevKit does not enter its bootloader", "BOOT button"),
        ("esp32", ESPTOOL_BUSY, "/dev/ttyUSB0 is in use by another program", "serial monitor"),
        ("esp32", ESPTOOL_DENIED, "no permission to open /dev/nowhere", "99-platformio-udev.rules"),
        ("uno", AVRDUDE, "Arduino Uno does not answer as an Arduino bootloader", "pins 0 and 1"),
        ("uno", AVRDUDE_DENIED, "no permission to open /dev/ttyACM0", "group"),
        ("nucleo_f446re", OPENOCD, "no permission to use the programmer of ST Nucleo", "udevadm"),
        ("nucleo_f446re", OPENOCD_NONE, "is not found by its ST-Link", "SWDIO"),
        ("pico", PICOTOOL, "Raspberry Pi Pico is not in its bootloader", "BOOTSEL"),
        ("nano33ble", BOSSAC, "Arduino Nano 33 BLE is not in its bootloader", "twice"),
        ("uno", PIO, "there is no port for Arduino Uno", "--port"),
    ],
)
def test_what_the_tools_say(name: str, text: str, said: str, hint: str) -> None:
    error = explain_upload(text.splitlines(), get_board(name), None)
    assert error is not None
    assert said in str(error)
    assert hint in error.hint


def test_what_says_nothing_known() -> None:
    assert explain_upload(["src/main.cpp:3: error: expected ';'"], ESP32, "/dev/ttyUSB0") is None


def test_an_upload_that_fails_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "platformio.ini").write_text("")
    monkeypatch.setattr(platformio, "_need_platform", lambda *args: None)
    monkeypatch.setattr(platformio, "_stream", lambda *args: (tuple(ESPTOOL.splitlines()), 1))
    with pytest.raises(TinygenError, match="does not enter its bootloader"):
        platformio.upload(tmp_path, "esp32", ESP32, "/dev/ttyUSB0")


@pytest.mark.skipif(sys.platform != "linux", reason="the program is found through /proc")
def test_a_port_is_looked_at_without_opening_it(tty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    check_port(tty)
    code = f"import os, sys; os.open({tty!r}, os.O_RDWR | os.O_NOCTTY); print(flush=True); sys.stdin.read()"
    other = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(TinygenError, match=rf"in use by \S+ \(process {other.pid}\)"):
            check_port(tty)
        assert f"(process {other.pid})" in str(explain_upload([f"port is busy: {tty}"], ESP32, tty))
    finally:
        other.communicate()
    monkeypatch.setattr(ports.os, "access", lambda *args: False)
    with pytest.raises(TinygenError, match="no permission") as e:
        check_port(tty)
    assert f"usermod -aG {Path(tty).group()} " in e.value.hint
    with pytest.raises(TinygenError, match="there is no serial port"):
        check_port("/dev/ttyNone")


def test_flash_uploads_to_the_port_it_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "m1.tflite").write_bytes(small_model())
    connect(monkeypatch, CH340)
    uploads: list[str | None] = []
    monkeypatch.setattr(port_module, "check_port", lambda port: None)
    monkeypatch.setattr(flash_module, "build_application", lambda *args: Fitting())
    monkeypatch.setattr(flash_module, "upload", lambda *args: uploads.append(args[3]))
    command = ["--board", "uno", "-o", str(tmp_path / "p"), str(tmp_path / "m1.tflite")]
    result = CliRunner().invoke(flash, command)
    assert result.exit_code == 0, result.output
    assert uploads == ["/dev/ttyUSB0"]
    connect(monkeypatch, CH340, Port("/dev/ttyACM0", 0x2341, 0x0043, "Uno R3"))
    assert "several may be" in str(CliRunner().invoke(flash, command).exception)
    assert len(uploads) == 1


class Elsewhere(Exception):
    """What the rest of a test needs is not here: a board."""


@pytest.mark.parametrize("command", ["test", "run"])
def test_a_test_finds_its_board_by_usb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    """Also one whose programmer is no serial port."""
    (tmp_path / "m1.tflite").write_bytes(small_model())
    np.save(tmp_path / "x.npy", np.zeros((1, 4), np.float32))
    files = ["--input", str(tmp_path / "x.npy"), "--output", str(tmp_path / "y.npy")] if command == "run" else []
    tested: list[str | None] = []

    def board_with_tester(board: object, project: Path, port: str | None, progress: object) -> None:
        tested.append(port)
        raise Elsewhere

    monkeypatch.setattr(port_module, "check_port", lambda port: None)
    monkeypatch.setattr(on_board, "board_with_tester", board_with_tester)
    connect(monkeypatch, PRINTER, Port("/dev/ttyACM3", 0x0483, 0x374B, "STM32 STLink"))
    arguments = [command, "--board", "nucleo_f446re", "-o", str(tmp_path / "p"), *files, str(tmp_path / "m1.tflite")]
    assert isinstance(CliRunner().invoke(cli, arguments).exception, Elsewhere)
    assert tested == ["/dev/ttyACM3"]


@pytest.mark.parametrize("command", ["test", "run", "bench", "tune"])
def test_without_a_port_nothing_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    (tmp_path / "m1.tflite").write_bytes(small_model())
    connect(monkeypatch, BUILT_IN)
    monkeypatch.chdir(tmp_path)
    files = ["--input", "x.npy", "--output", "y.npy"] if command == "run" else []
    failed = CliRunner().invoke(cli, [command, "--board", "esp32", *files, "m1.tflite"]).exception
    assert "no serial port behind USB is there: is ESP32 DevKit connected?" in str(failed)
    connect(monkeypatch, CP2102, CH340)
    failed = CliRunner().invoke(cli, [command, "--board", "esp32", *files, "m1.tflite"]).exception
    assert "several may be ESP32 DevKit: /dev/ttyUSB0" in str(failed)
    connect(monkeypatch, CP2102)
    failed = CliRunner().invoke(cli, [command, "--board", "esp32", *files, "m1.tflite"]).exception
    assert "there is no serial port /dev/ttyUSB1" in str(failed)
    assert [path.name for path in tmp_path.iterdir()] == ["m1.tflite"]


def test_a_port_that_comes_back_is_awaited(tmp_path: Path) -> None:
    """As that of a board that is its own USB device, after an upload."""
    port = tmp_path / "tty"
    back = threading.Timer(0.3, port.touch)
    back.start()
    await_port(str(port))
    assert port.exists()
    port.unlink()
    start = time.monotonic()
    await_port(str(port), 0.2)
    await_port("socket://127.0.0.1:1")
    assert 0.2 <= time.monotonic() - start < 2


class Fitting:
    """A firmware that fits."""

    def fits(self, board: object) -> bool:
        return True

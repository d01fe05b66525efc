"""A port that cannot be opened: one clear sentence each."""

from __future__ import annotations

import errno
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

from tinygen.device import ports
from tinygen.device.ports import open_port
from tinygen.errors import TinygenError


@pytest.fixture
def tty() -> Iterator[str]:
    ours, theirs = pty.openpty()
    name = os.ttyname(theirs)
    os.close(theirs)
    yield name
    os.close(ours)


def test_a_port_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    class Found:
        device = "/dev/ttyACM7"

    monkeypatch.setattr(ports, "comports", lambda: [Found])
    with pytest.raises(TinygenError, match="no serial port /dev/ttyNone") as e:
        open_port("/dev/ttyNone", 115200)
    assert "/dev/ttyACM7" in e.value.hint


def test_no_port_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "comports", list)
    with pytest.raises(TinygenError) as e:
        open_port("/dev/ttyNone", 115200)
    assert "connect the board" in e.value.hint


@pytest.mark.skipif(sys.platform != "linux", reason="the program is found through /proc")
def test_a_port_that_another_program_has_open_names_it(tty: str) -> None:
    code = f"import os, sys; os.open({tty!r}, os.O_RDWR | os.O_NOCTTY); print(flush=True); sys.stdin.read()"
    other = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(TinygenError, match=rf"in use by \S+ \(process {other.pid}\)"):
            open_port(tty, 115200)
    finally:
        other.communicate()
    open_port(tty, 115200).close()  # and it is free again


def test_a_port_that_is_locked(tty: str) -> None:
    with serial.Serial(tty, exclusive=True), pytest.raises(TinygenError, match="in use"):
        open_port(tty, 115200)


def test_a_port_without_permission_names_the_group(tty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise serial.SerialException(errno.EACCES, f"could not open port {tty}: [Errno 13] Permission denied")

    monkeypatch.setattr(serial, "serial_for_url", refuse)
    with pytest.raises(TinygenError, match="no permission") as e:
        open_port(tty, 115200)
    assert e.value.hint.startswith(f"sudo usermod -aG {Path(tty).group()} ")


def test_a_socket_where_nothing_listens() -> None:
    with pytest.raises(TinygenError, match=r"nothing answers at socket://127\.0\.0\.1:9.*refused"):
        open_port("socket://127.0.0.1:9", 115200)


@pytest.mark.parametrize("port", ["socket://127.0.0.1:99999", "socket://", "nonsense://x", "/etc/hostname", "", "a\0b"])
def test_what_is_no_port(port: str) -> None:
    with pytest.raises(TinygenError):
        open_port(port, 115200)

"""Starting and ending emulators, and what can go wrong with it."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

from tests.firmware.fake import build_host_tester
from tinygen import emulator
from tinygen.boards import get_board
from tinygen.emulator import running
from tinygen.errors import TinygenError

HOST = get_board("host")


@pytest.fixture(scope="module")
def tester(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_host_tester(tmp_path_factory.mktemp("tester"))


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """Every process that the emulator module starts."""
    found: list[subprocess.Popen[bytes]] = []

    class Noted(subprocess.Popen[bytes]):
        def __init__(self, *args: object, **options: object) -> None:
            super().__init__(*args, **options)
            found.append(self)

    monkeypatch.setattr(emulator.subprocess, "Popen", Noted)
    return found


def test_it_ends_with_the_with(tester: Path, started: list[subprocess.Popen[bytes]]) -> None:
    with running(HOST, tester) as url:
        assert url.startswith("socket://127.0.0.1:")
        assert started[0].poll() is None
    assert started[0].poll() is not None


def test_it_ends_when_the_body_fails(tester: Path, started: list[subprocess.Popen[bytes]]) -> None:
    with pytest.raises(KeyboardInterrupt), running(HOST, tester):
        raise KeyboardInterrupt
    assert started[0].poll() is not None


def test_another_port_is_tried_when_one_was_taken(
    tester: Path, started: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        free = emulator._free_port
        ports = iter((taken, taken, free()))
        monkeypatch.setattr(emulator, "_free_port", lambda: next(ports))
        with running(HOST, tester) as url:
            assert not url.endswith(f":{taken}")
            assert [process.poll() is None for process in started] == [False, False, True]


@pytest.mark.parametrize("name", ["qemu-stm32f405", "qemu-cortex-m4"])
def test_a_firmware_that_is_none_is_told_with_what_the_emulator_said(
    name: str, tmp_path: Path, started: list[subprocess.Popen[bytes]]
) -> None:
    elf = tmp_path / "firmware.elf"
    with pytest.raises(TinygenError, match=r"does not start: .*firmware\.elf"), running(get_board(name), elf):
        pass
    assert all(process.poll() is not None for process in started)


def test_a_missing_emulator_names_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    board, elf = get_board("qemu-stm32f405"), tmp_path / "firmware.elf"
    with pytest.raises(TinygenError, match="qemu-system-arm is not installed") as e, running(board, elf):
        pass
    assert "sudo apt install" in e.value.hint
    assert "qemu-system-arm" in e.value.hint


def test_a_real_board_has_no_emulator(tmp_path: Path) -> None:
    with pytest.raises(TinygenError, match="uno is a real board"), running(get_board("uno"), tmp_path):
        pass

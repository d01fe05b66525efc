"""A board elsewhere: --port takes rfc2217://, here of ser2net with an emulated board behind it."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.cli import tinygen
from tests.support.models import small_model
from tinygen.boards import get_board

BOARD = "qemu-cortex-m4"
pytestmark = pytest.mark.skipif(shutil.which("ser2net") is None, reason="ser2net is not installed (make test does it)")


@contextmanager
def ser2net(folder: Path, behind: str) -> Iterator[str]:
    """ser2net with `behind`, a gensio; yields its rfc2217:// URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = folder / "ser2net.yaml"
    config.write_text(
        f"connection: &board\n  accepter: telnet(rfc2217),tcp,127.0.0.1,{port}\n"
        f"  connector: {behind}\n  options:\n    kickolduser: true\n"
    )
    process = subprocess.Popen(
        ["ser2net", "-n", "-c", str(config), "-P", str(folder / "pid")], stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert process.poll() is None
                time.sleep(0.05)
        # a pty has no DTR and RTS, and ser2net gives no answer about them
        yield f"rfc2217://127.0.0.1:{port}?ign_set_control"
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def on_a_tty(elf: Path) -> Iterator[str]:
    """The emulated board with its UART on a tty, as behind a USB cable; yields the tty's name."""
    serial = [part for part in get_board(BOARD).emulator if part.startswith("tcp:")]
    argv = ["pty" if part in serial else part.format(elf=elf, port=0) for part in get_board(BOARD).emulator]
    process = subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert process.stdout is not None
        found = next(m for line in process.stdout if (m := re.search(r"redirected to (/dev/pts/\d+)", line)))
        yield found[1]
    finally:
        process.terminate()
        process.communicate(timeout=10)


def test_a_board_behind_ser2net(tmp_path: Path) -> None:
    (tmp_path / "small.tflite").write_bytes(small_model())
    project = ("-o", "p", "--board", BOARD, "--json", "--samples", "20")
    assert tinygen("test", *project, "small.tflite", cwd=tmp_path).json()["pass"] is True
    elf = tmp_path / "p" / ".pio" / "build" / f"{BOARD}_test" / "firmware.elf"
    with on_a_tty(elf) as tty, ser2net(tmp_path, f"serialdev,{tty},115200n81,local") as remote:
        report = tinygen("test", *project, "--port", remote, "small.tflite", cwd=tmp_path).json()
    assert (report["pass"], report["samples"]) == (True, 20)


def test_nobody_at_the_other_end(tmp_path: Path) -> None:
    (tmp_path / "small.tflite").write_bytes(small_model())
    refused = tinygen("test", "--board", BOARD, "--port", "rfc2217://127.0.0.1:9", "small.tflite", cwd=tmp_path)
    assert "nothing answers at rfc2217://127.0.0.1:9" in refused.error()

"""The fake model of fake_model.c: its numpy-free twin, and ways to build and start the tester around it."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.c_build import STRICT, run_tool
from tinygen import resources
from tinygen.boards import EMULATED_PLATFORM_DIR

HERE = Path(__file__).parent
TESTER = resources.FIRMWARE / "tester"
BSP = EMULATED_PLATFORM_DIR / "bsp"

FIRST, SECOND, OUT_FIRST = 37, 1200, 10
INPUT_BYTES = FIRST + SECOND
OUTPUT_BYTES = OUT_FIRST + SECOND // 2
SHA256 = "deadbeef" + bytes(range(4, 32)).hex()


def reference(inputs: bytes) -> bytes:
    """The outputs of the fake model."""
    value = 1
    for byte in inputs:
        value = (value * 1664525 + byte + 1) & 0xFFFFFFFF
    outputs = bytearray()
    for i in range(OUT_FIRST + (len(inputs) - FIRST) // 2):
        outputs.append((value >> 24) ^ inputs[i % len(inputs)])
        value = (value * 1664525 + 1013904223) & 0xFFFFFFFF
    return bytes(outputs)


def build_host_tester(folder: Path, flags: Sequence[str] = ()) -> Path:
    """The tester with the fake model as a program of this computer, under the address and UB sanitizers."""
    program = folder / "tester"
    sources = (TESTER / "tg_tester.c", TESTER / "port_bare.c", HERE / "fake_model.c", BSP / "host" / "board.c")
    sanitize = ("-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    run_tool(["gcc", *STRICT, "-O1", *sanitize, *flags, f"-I{BSP}", f"-I{TESTER}", *sources, "-o", program])
    return program


@contextmanager
def listening(program: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Start a host tester on a free port; yields its process and the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([program, str(port)], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert process.poll() is None
                time.sleep(0.01)
        yield process, port
    finally:
        process.kill()
        process.communicate()

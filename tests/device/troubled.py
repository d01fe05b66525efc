"""A board behind a line that mistreats what passes: the tester as a program of this computer, on a pty.

Also as a TCP proxy in front of an emulator's socket. Bytes are dropped, flipped and doubled, whole frames lost,
repeated and swapped; bytes come one by one; the board is reset in mid-run, or floods the line.
"""

from __future__ import annotations

import contextlib
import os
import pty
import random
import select
import socket
import subprocess
import threading
import tty
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinygen.device.framing import Parser

_BOOT = b"\r\nets Jul 29 2019 12:21:46\r\nrst:0x1 (POWERON_RESET)\r\n\xa5\x5a\xa5"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Chances per byte (drop, flip, double) and per frame (lose, repeat, swap), in each direction.

    single: bytes are passed on one by one. resets: the board is reset after so many bytes to it. flood: after so many
    bytes to it, it sends `flood_bytes` of noise (-1: without an end).
    """

    drop: float = 0.0
    flip: float = 0.0
    double: float = 0.0
    lose: float = 0.0
    repeat: float = 0.0
    swap: float = 0.0
    single: bool = False
    resets: tuple[int, ...] = ()
    flood: int | None = None
    flood_bytes: int = 0


def random_trouble(seed: int) -> Trouble:
    """One kind of trouble, or two."""
    rng = random.Random(seed)
    rate, often = rng.choice((1e-4, 1e-3, 3e-3)), rng.choice((0.02, 0.1))
    kinds: dict[str, Any] = {
        "drop": rate,
        "flip": rate,
        "double": rate,
        "lose": often,
        "repeat": often * 3,
        "swap": often,
        "single": True,
        "resets": tuple(sorted(rng.randrange(50, 6000) for _ in range(rng.randint(1, 2)))),
        "flood": rng.randrange(50, 3000),
    }
    chosen = {kind: kinds[kind] for kind in rng.sample(sorted(kinds), rng.randint(1, 2))}
    if "flood" in chosen:
        chosen["flood_bytes"] = rng.choice((100, 20_000, 300_000))
    return Trouble(**chosen)


class _Mistreat:
    """One direction of the line."""

    def __init__(self, trouble: Trouble, seed: int) -> None:
        self._trouble, self._rng = trouble, random.Random(seed)
        self._parser = Parser(1024)
        self._held = b""

    def __call__(self, data: bytes) -> bytes:
        t = self._trouble
        if t.lose or t.repeat or t.swap:
            data = b"".join(self._frame(frame.encode()) for frame in self._parser.feed(data))
        if not (t.drop or t.flip or t.double):
            return data
        return b"".join(self._byte(byte) for byte in data)

    def _frame(self, frame: bytes) -> bytes:
        t, dice = self._trouble, self._rng.random()
        if dice < t.lose:
            return b""
        if dice < t.lose + t.swap and not self._held:
            self._held = frame  # it comes behind the next one
            return b""
        out, self._held = frame + self._held, b""
        return out + frame if self._rng.random() < t.repeat else out

    def _byte(self, byte: int) -> bytes:
        t, rng = self._trouble, self._rng
        if rng.random() < t.drop:
            return b""
        if rng.random() < t.flip:
            byte ^= 1 << rng.randrange(8)
        return bytes((byte,)) * (2 if rng.random() < t.double else 1)


@dataclass(frozen=True, slots=True)
class Board:
    """Where the other end of the line is: read() gives None when there is nothing, reset() starts it anew."""

    read: Callable[[], bytes | None]
    write: Callable[[bytes], None]
    reset: Callable[[], None]


class TroubledLine:
    """Passes bytes between the host (file descriptor or socket, without blocking) and a board, until it is stopped."""

    def __init__(self, host: int, board: Board, trouble: Trouble, seed: int) -> None:
        self._host, self._board, self._trouble = host, board, trouble
        self._there, self._back = _Mistreat(trouble, seed), _Mistreat(trouble, seed + 1)
        self._rng = random.Random(seed + 2)
        self._stop = threading.Event()
        self._passed = 0
        self._resets = list(trouble.resets)
        self._noise = 0
        self._flooded = trouble.flood is None
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> TroubledLine:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while not self._stop.is_set():
                if select.select([self._host], [], [], 0.002)[0]:
                    data = os.read(self._host, 1024)
                    if not data:
                        return
                    self._to_board(data)
                while (answer := self._board.read()) is not None:
                    self._to_host(self._back(answer))
                if self._noise:
                    self._flood()

    def _to_board(self, data: bytes) -> None:
        self._passed += len(data)
        if self._resets and self._passed > self._resets[0]:
            self._resets.pop(0)
            self._board.reset()
            self._to_host(_BOOT)
            return
        if not self._flooded and self._trouble.flood is not None and self._passed > self._trouble.flood:
            self._flooded = True
            self._noise = self._trouble.flood_bytes
        self._board.write(self._there(data))

    def _flood(self) -> None:
        self._to_host(self._rng.randbytes(4096))
        self._noise = self._noise if self._noise < 0 else max(self._noise - 4096, 0)

    def _to_host(self, data: bytes) -> None:
        size = 1 if self._trouble.single else 4096
        for start in range(0, len(data), size):
            part = data[start : start + size]
            while part and not self._stop.is_set():
                if select.select([], [self._host], [], 0.05)[1]:
                    with contextlib.suppress(BlockingIOError):
                        part = part[os.write(self._host, part) :]


class _Program:
    """The tester as a process on pipes."""

    def __init__(self, program: Path) -> None:
        self._program = program
        self._start()

    def _start(self) -> None:
        self.process = subprocess.Popen(
            [self._program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def read(self) -> bytes | None:
        out = self.process.stdout
        assert out is not None
        if not select.select([out], [], [], 0)[0]:
            return None
        return os.read(out.fileno(), 4096) or None

    def write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        os.write(self.process.stdin.fileno(), data)

    def reset(self) -> None:
        self.end()
        self._start()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()


@contextlib.contextmanager
def on_troubled_pty(program: Path, trouble: Trouble, seed: int) -> Iterator[str]:
    """A tester behind a tty whose line is bad; yields the tty's name. The program must end no way but by us."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    os.set_blocking(ours, False)
    device = _Program(program)
    try:
        with TroubledLine(ours, Board(device.read, device.write, device.reset), trouble, seed):
            yield os.ttyname(theirs)
    finally:
        device.end()
        os.close(ours)
        os.close(theirs)


@contextlib.contextmanager
def on_troubled_socket(port: int, trouble: Trouble, seed: int) -> Iterator[str]:
    """A bad line in front of an emulator's TCP port, for one client; yields the URL. It cannot be reset."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(20)
    device = socket.create_connection(("127.0.0.1", port))

    def read() -> bytes | None:
        return (device.recv(4096) or None) if select.select([device], [], [], 0)[0] else None

    def serve() -> None:
        with contextlib.suppress(OSError), listener.accept()[0] as client:
            client.setblocking(False)
            with TroubledLine(client.fileno(), Board(read, device.sendall, lambda: None), trouble, seed):
                over.wait()

    over = threading.Event()
    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"socket://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        over.set()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        thread.join(15)
        listener.close()
        device.close()

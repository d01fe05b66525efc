"""A TCP proxy that mistreats what passes: bytes dropped, flipped, doubled, or the line cut."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Faults:
    """Chances per byte, in each direction; `cut_after`: close the line when so many bytes have passed."""

    drop: float = 0.0
    flip: float = 0.0
    double: float = 0.0
    cut_after: int | None = None


class _Line:
    """One connection through the proxy."""

    def __init__(self, client: socket.socket, port: int, faults: Faults, seed: int) -> None:
        self._client, self._faults, self._passed = client, faults, 0
        self._device = socket.create_connection(("127.0.0.1", port))
        ends = ((client, self._device, seed), (self._device, client, seed + 1))
        self._threads = [threading.Thread(target=self._pump, args=end) for end in ends]
        for thread in self._threads:
            thread.start()

    def _pump(self, source: socket.socket, target: socket.socket, seed: int) -> None:
        rng = random.Random(seed)
        with contextlib.suppress(OSError):
            while data := source.recv(4096):
                target.sendall(self._mistreat(data, rng))
                self._passed += len(data)
                if self._faults.cut_after is not None and self._passed > self._faults.cut_after:
                    break
        self.close()

    def _mistreat(self, data: bytes, rng: random.Random) -> bytes:
        if not (self._faults.drop or self._faults.flip or self._faults.double):
            return data
        out = bytearray()
        for byte in data:
            if rng.random() < self._faults.drop:
                continue
            if rng.random() < self._faults.flip:
                byte ^= 1 << rng.randrange(8)
            out += bytes((byte, byte)) if rng.random() < self._faults.double else bytes((byte,))
        return bytes(out)

    def close(self) -> None:
        for end in (self._client, self._device):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def join(self) -> None:
        self.close()
        for thread in self._threads:
            thread.join(5)
        self._client.close()
        self._device.close()


@contextlib.contextmanager
def proxy(port: int, faults: Faults, seed: int) -> Iterator[str]:
    """Put a faulty line before a device's port, for one client; yields the URL to open."""
    lines: list[_Line] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with contextlib.suppress(OSError):
            lines.append(_Line(listener.accept()[0], port, faults, seed))

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield f"socket://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        listener.close()
        for line in lines:
            line.join()

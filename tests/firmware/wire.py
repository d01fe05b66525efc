"""Talks to a tester over pipes, frame by frame: what Link hides, the protocol's tests must see."""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tinygen.device.framing import Failure, Frame, Parser, Type

DEVICE_MAX = 512


class Wire:
    """The raw connection; `ask` sends a request and returns the one frame that comes back."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process = process
        self._in, self._out = process.stdin.fileno(), process.stdout.fileno()
        self._parser = Parser(1024)
        self._seq = 0

    def send(self, data: bytes) -> None:
        os.write(self._in, data)

    def receive(self, seconds: float) -> tuple[Frame, ...]:
        """Everything that comes until a frame is complete or the time is over."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if select.select([self._out], [], [], left)[0]:
                data = os.read(self._out, 65536)
                assert data, f"the tester ended: {self.process.communicate()[1].decode()[-2000:]}"
                frames = self._parser.feed(data)
                if frames:
                    return frames
        return ()

    def ask(self, kind: int, payload: bytes = b"") -> Frame:
        self._seq = self._seq % 255 + 1
        self.send(Frame(kind, self._seq, payload).encode())
        frames = self.receive(5)
        assert len(frames) == 1, frames
        assert frames[0].seq == self._seq
        return frames[0]

    def fails(self, kind: int, payload: bytes = b"") -> Failure:
        """Ask for something that must be refused; the reason given."""
        answer = self.ask(kind, payload)
        assert answer.type == Type.FAIL, answer
        assert len(answer.payload) == 1
        return Failure(answer.payload[0])

    def still_answers(self, max_payload: int = DEVICE_MAX) -> list[Frame]:
        """Free the device with zeros as SPEC says, then HELLO; returns what came before the answer."""
        self._seq = self._seq % 255 + 1
        self.send(bytes(max_payload + 10) + Frame(Type.HELLO, self._seq).encode())
        before: list[Frame] = []
        while True:
            frames = self.receive(5)
            assert frames, "no answer to a clean HELLO"
            before += frames
            if frames[-1].type == Type.HELLO | 0x80 and frames[-1].seq == self._seq:
                return before[:-1]


@contextmanager
def connected(command: Sequence[object]) -> Iterator[Wire]:
    """Start a tester on pipes."""
    process = subprocess.Popen(
        [str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        yield Wire(process)
    finally:
        process.kill()
        process.communicate()


def u32(*values: int) -> bytes:
    return b"".join(value.to_bytes(4, "little") for value in values)


def u16(value: int) -> bytes:
    return value.to_bytes(2, "little")

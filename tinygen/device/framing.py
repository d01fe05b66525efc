"""Frames of the serial protocol (docs/SPEC.md, section 3) from bytes and to bytes. Pure: no port, no clock."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from enum import IntEnum

SYNC = b"\xa5\x5a"
_HEAD = 6  # sync, type, seq, length
_CRC = 4
OVERHEAD = _HEAD + _CRC


class Type(IntEnum):
    """Requests; an answer has its request's type with the top bit set, or FAIL."""

    HELLO = 0x01
    INPUT = 0x02
    INVOKE = 0x03
    OUTPUT = 0x04
    SELECT = 0x05
    REPORT = 0x06
    LAYERS = 0x07
    WATCH = 0x08
    FAIL = 0xFF


class Failure(IntEnum):
    """The codes of FAIL."""

    CORRUPT = 1
    UNKNOWN_TYPE = 2
    BAD_RANGE = 3
    INPUTS_GONE = 4


@dataclass(frozen=True, slots=True)
class Frame:
    """`type` is a request's type, that with 0x80 added for its answer, or 0xFF; `seq` 0 to 255."""

    type: int
    seq: int
    payload: bytes = b""

    def encode(self) -> bytes:
        """The frame's bytes on the wire."""
        body = bytes((self.type, self.seq)) + len(self.payload).to_bytes(2, "little") + self.payload
        return SYNC + body + zlib.crc32(body).to_bytes(4, "little")


class Parser:
    """Finds frames in a stream of bytes that may hold anything.

    A false start costs no frame: when what follows a sync mark turns out to be none, the search goes on one byte
    behind that mark. `noise` keeps the end of what was in no frame, `corrupt` counts frames with a wrong CRC.
    """

    _NOISE_KEPT = 400

    def __init__(self, max_payload: int) -> None:
        """`max_payload`: a longer frame (bytes) is none."""
        self.max_payload = max_payload
        self.corrupt = 0
        self.noise = b""
        self._buffer = b""

    @property
    def needed(self) -> int:
        """How many bytes at least are missing until the next frame is complete; 1 or more."""
        total = self._frame_size() or OVERHEAD
        return max(total - len(self._buffer), 1)

    def feed(self, data: bytes) -> tuple[Frame, ...]:
        """The frames that are complete with `data`."""
        self._buffer += data
        frames = []
        while (frame := self._next()) is not None:
            frames.append(frame)
        return tuple(frames)

    def abandon(self) -> tuple[Frame, ...]:
        """Give up the frame that is incomplete; returns the frames that its bytes may hide."""
        frames: list[Frame] = []
        while self._buffer:
            self._drop(1)
            frames += self.feed(b"")
        return tuple(frames)

    def _frame_size(self) -> int | None:
        """Of the frame at the start of the buffer; None while its length is not there."""
        if len(self._buffer) < _HEAD:
            return None
        return OVERHEAD + int.from_bytes(self._buffer[4:6], "little")

    def _next(self) -> Frame | None:
        while True:
            self._skip_to_sync()
            size = self._frame_size()
            if size is None:
                return None
            if size > OVERHEAD + self.max_payload:
                self._drop(1)
                continue
            if len(self._buffer) < size:
                return None
            body, crc = self._buffer[2 : size - _CRC], self._buffer[size - _CRC : size]
            if zlib.crc32(body) == int.from_bytes(crc, "little"):
                self._buffer = self._buffer[size:]
                return Frame(body[0], body[1], body[4:])
            self.corrupt += 1
            self._drop(1)

    def _skip_to_sync(self) -> None:
        start = self._buffer.find(SYNC)
        if start < 0:  # the last byte may be the first half of a mark
            start = len(self._buffer) - self._buffer.endswith(SYNC[:1])
        self._drop(start)

    def _drop(self, count: int) -> None:
        self.noise = (self.noise + self._buffer[:count])[-self._NOISE_KEPT :]
        self._buffer = self._buffer[count:]

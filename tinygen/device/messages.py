"""What the frames of the serial protocol say (docs/SPEC.md, section 3), from bytes. Pure: no port, no clock.

Place in the flow: between framing.py, which finds the frames, and link.py, which asks and waits.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from tinygen.device.framing import Failure, Frame, Type

MAX_PAYLOAD = 1024  # of any device (firmware/tester/tg_tester.h)

_ANSWER = 0x80
_VERSIONS = (1, 2)
_UNKNOWN = 0xFFFFFFFF
_BY_ROWS, _HAS_LAYERS = 1, 2
_INFO = struct.Struct("<BBH32sIIII")
_RESULT_1 = struct.Struct("<II")
_RESULT = struct.Struct("<IIBI")
_REPORT = struct.Struct("<II")
_SUMS = struct.Struct("<HI")
_WATCH = struct.Struct("<HII")

Request = tuple[Type, bytes]


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """What a board says of itself. `sha256` is hexadecimal, of the int8 .tflite; sizes in bytes.

    by_rows: it computes while the input comes in, so that nothing may be sent ahead of its answers.
    layers: it has the checksum of every layer (`tinygen test --layers`).
    """

    max_payload: int
    sha256: str
    input_bytes: int
    output_bytes: int
    arena_bytes: int
    ticks_hz: int
    name: str
    version: str
    by_rows: bool = False
    layers: bool = False
    protocol: int = 2


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """The rest of it: Hz of the core, and bytes of RAM that nothing uses; None where the board does not know."""

    clock_hz: int | None
    free_ram_bytes: int | None


@dataclass(frozen=True, slots=True)
class Result:
    """The answer to INVOKE: CRC-32 of all outputs, ticks, stack (None: not known), and which model it was."""

    crc: int
    ticks: int
    stack_bytes: int | None
    model: int | None


@dataclass(frozen=True, slots=True)
class Answer:
    """Of one inference: the bytes of all outputs in order, its duration in the device's ticks, its stack in bytes."""

    outputs: bytes
    ticks: int
    stack_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Watched:
    """Of a row that was watched in an inference: the checksum of the rows before it, its bytes from an offset on."""

    head: int
    content: bytes


def read_info(payload: bytes) -> DeviceInfo | None:
    """The answer to HELLO; None when it is none, or of a version that this program does not speak."""
    try:
        version, flags, max_payload, sha, inputs, outputs, arena, hz = _INFO.unpack_from(payload)
        name, rest = _text(payload[_INFO.size :])
        maker, rest = _text(rest)
    except (struct.error, IndexError):
        return None
    if version not in _VERSIONS or rest or not 16 <= max_payload <= MAX_PAYLOAD:
        return None
    rows, layers = bool(flags & _BY_ROWS), bool(flags & _HAS_LAYERS)
    return DeviceInfo(max_payload, sha.hex(), inputs, outputs, arena, hz, name, maker, rows, layers, version)


def read_result(payload: bytes) -> Result:
    """The answer to INVOKE, of either version; `fits` has seen its length."""
    if len(payload) == _RESULT_1.size:
        crc, ticks = _RESULT_1.unpack(payload)
        return Result(crc, ticks, None, None)
    crc, ticks, model, stack = _RESULT.unpack(payload)
    return Result(crc, ticks, None if stack == _UNKNOWN else stack, model)


def read_report(payload: bytes) -> DeviceReport:
    """The answer to REPORT."""
    clock, free = _REPORT.unpack(payload)
    return DeviceReport(clock or None, None if free == _UNKNOWN else free)


def read_sums(payload: bytes) -> tuple[int, tuple[int, ...]]:
    """The answer to LAYERS: CRC-32 of the outputs of the inference, and the checksums."""
    content = payload[_SUMS.size :]
    return _SUMS.unpack_from(payload)[1], struct.unpack(f"<{len(content) // 4}I", content)


def read_watched(payload: bytes) -> Watched:
    """The answer to WATCH."""
    at = _WATCH.size
    return Watched(int.from_bytes(payload[at : at + 4], "little"), payload[at + 4 :])


def _text(data: bytes) -> tuple[str, bytes]:
    """A string (u8 length, bytes) with nothing unprintable in it, and what follows; IndexError when it is cut."""
    end = 1 + data[0]
    if end > len(data):
        raise IndexError
    return printable(data[1:end]), data[end:]


def printable(data: bytes, instead: str = "?") -> str:
    """Text from a device, with nothing in it that a terminal would obey."""
    return "".join(chr(b) if 32 <= b < 127 else instead for b in data)


def says_corrupt(frame: Frame) -> bool:
    """Whether it is the device's complaint about a broken frame."""
    return frame.type == Type.FAIL and frame.payload[:1] == bytes((Failure.CORRUPT,))


def match(
    frames: Sequence[Frame], requests: Sequence[Request], asked: dict[int, int], answers: dict[int, Frame]
) -> None:
    """Put each frame that is an answer to a request in its place; `asked`: the request's number by its seq."""
    for frame in frames:
        index = asked.get(frame.seq)
        if index is not None and fits(frame, requests[index]):
            answers[index] = frame


def fits(frame: Frame, request: Request) -> bool:
    """Whether a frame is an answer to a request: by type, length and offset."""
    kind, payload = request
    size = len(frame.payload)
    if frame.type == Type.FAIL:
        return size == 1 and frame.payload[0] != Failure.CORRUPT
    if frame.type != kind | _ANSWER:
        return False
    if kind == Type.INPUT:
        return frame.payload == payload[:4]
    if kind == Type.SELECT:
        return frame.payload == payload
    if kind == Type.INVOKE:
        return size in (_RESULT_1.size, _RESULT.size)
    if kind == Type.OUTPUT:
        return frame.payload[:4] == payload[:4] and size == 4 + int.from_bytes(payload[4:], "little")
    if kind == Type.REPORT:
        return size == _REPORT.size
    if kind == Type.LAYERS:
        return frame.payload[:2] == payload and size >= _SUMS.size and (size - _SUMS.size) % 4 == 0
    if kind == Type.WATCH:
        return frame.payload[: _WATCH.size] == payload and size >= _WATCH.size + 4
    return size >= _INFO.size

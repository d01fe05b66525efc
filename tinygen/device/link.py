"""The host's end of the serial protocol (docs/SPEC.md, section 3): samples in, outputs and ticks out.

Place in the flow: the port is a board's tty or an emulator's socket; tester.py sends the samples through it.
What comes over the wire is not trusted: frames are checked, repeated when they were lost or broken, and every
wait has an end.
"""

from __future__ import annotations

import struct
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType

import serial

from tinygen.device.framing import OVERHEAD, Failure, Frame, Parser, Type
from tinygen.device.ports import close_port, is_url, open_port
from tinygen.errors import TinygenError

_ANSWER = 0x80
_MAX_PAYLOAD = 1024  # of any device (firmware/tester/tg_tester.h)
_TRIES = 30
_GRACE_SECONDS = 0.1  # for what is still under way when a broken frame was seen
_PATIENCE_SECONDS = 8.0
_WINDOW_BYTES = 4096  # inputs sent ahead of their answers
_OUTPUTS_AHEAD = 2  # small boards buffer 64 bytes while they send
_CRASHES = (b"!fault ", b"Guru Meditation")  # what emulated boards and ESP32s print then
_INFO = struct.Struct("<BBH32sIIII")
_HINT = "check cable and baud rate, and that the tester's firmware is on the board (`tinygen test` flashes it)"

Request = tuple[Type, bytes]


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """What a board says of itself. `sha256` is hexadecimal, of the int8 .tflite; sizes in bytes.

    by_rows: it computes while the input comes in, so that nothing may be sent ahead of its answers.
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


@dataclass(frozen=True, slots=True)
class Answer:
    """Of one inference: the bytes of all outputs in order, and its duration in the device's ticks."""

    outputs: bytes
    ticks: int


class Link:
    """A connection to a board that runs the tester's firmware. `retries` counts what had to be sent again."""

    def __init__(self, port: serial.Serial, name: str, baud: int, answer_seconds: float = 0.5) -> None:
        """`answer_seconds`: how long an answer may take, beside its time on the wire and that of the inference."""
        self.retries = 0
        self._port, self._name, self._answer_seconds = port, name, answer_seconds
        self._byte_seconds = 0.0 if is_url(name) else 10 / baud
        self._parser = Parser(_MAX_PAYLOAD)
        self._selected = 0
        self._infos: dict[int, DeviceInfo] = {}  # of each model
        self._slowest: dict[int, float] = {}  # seconds of an inference
        self._seq = 0

    @classmethod
    def open(cls, port: str, baud: int = 115200, answer_seconds: float = 0.5) -> Link:
        """Open a tty, COM port or socket:// URL; raises TinygenError when that fails."""
        return cls(open_port(port, baud), port, baud, answer_seconds)

    def close(self) -> None:
        """Close the port."""
        close_port(self._port)

    def __enter__(self) -> Link:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def hello(self, timeout: float = 10.0) -> DeviceInfo:
        """Ask until the board answers (it may have been reset by opening the port, and sit in its bootloader).

        Raises TinygenError when nothing comes within `timeout` seconds, or something that is no tester.
        """
        give_up = time.monotonic() + timeout
        asked: dict[int, int] = {}
        answers: dict[int, Frame] = {}
        request: Request = (Type.HELLO, b"")
        while not answers:
            if time.monotonic() > give_up:
                raise self._no_answer()
            self._write((bytes(_MAX_PAYLOAD + OVERHEAD) if asked else b"") + self._encode(request, 0, asked))
            self._collect((request,), asked, answers, self._answer_seconds + self._wire(_MAX_PAYLOAD))
        self._drain()
        self._infos[self._selected] = self._read_info(answers[0].payload)
        return self._infos[self._selected]

    def select(self, index: int) -> None:
        """All that follows goes to model `index` of a firmware that has several.

        Raises TinygenError when the board has no such model, or does not answer.
        """
        (answer,) = self._exchange(((Type.SELECT, bytes((index,))),), self._answer_seconds)
        self._refuse_failure(answer)
        self._selected = index

    def infer(self, inputs: bytes, timeout: float = 30.0) -> Answer:
        """Run one inference on the bytes of all inputs in order; `timeout` (seconds) is for the inference alone.

        Raises TinygenError: wrong size, no answer within the time, connection lost. What it returns has arrived
        as the device computed it.
        """
        info = self._infos.get(self._selected) or self.hello()
        if len(inputs) != info.input_bytes:
            raise TinygenError(f"{info.name} takes {info.input_bytes} bytes of input, not {len(inputs)}")
        for _ in range(_TRIES):
            self._send_inputs(inputs, info, timeout)
            result = self._invoke(inputs, timeout)
            if result is None:  # the inputs did not arrive, or an earlier try used them up
                self.retries += 1
                continue
            crc, ticks = result
            outputs = self._fetch_outputs(info)
            if zlib.crc32(outputs) == crc:
                return Answer(outputs, ticks)
            self.retries += 1
        raise TinygenError(f"{self._name}: the sample does not get through, {_TRIES} times", _HINT)

    def _send_inputs(self, inputs: bytes, info: DeviceInfo, timeout: float) -> None:
        chunk = info.max_payload - 4
        requests: list[Request] = [
            (Type.INPUT, offset.to_bytes(4, "little") + inputs[offset : offset + chunk])
            for offset in range(0, len(inputs), chunk)
        ]
        ahead = 1 if info.by_rows else max(_WINDOW_BYTES // (info.max_payload + OVERHEAD), 1)
        seconds = self._answer_seconds + (timeout if info.by_rows else 0)
        for start in range(0, len(requests), ahead):
            for answer in self._exchange(requests[start : start + ahead], seconds):
                self._refuse_failure(answer)

    def _invoke(self, inputs: bytes, timeout: float) -> tuple[int, int] | None:
        """CRC of the outputs and ticks; None when the device does not have these inputs."""
        request: Request = (Type.INVOKE, zlib.crc32(inputs).to_bytes(4, "little"))
        slowest = self._slowest.get(self._selected)
        if slowest is not None:  # it is known how long that takes: a lost frame need not cost `timeout`
            timeout = min(timeout, 1 + 4 * slowest)
        start = time.monotonic()
        (answer,) = self._exchange((request,), timeout + self._answer_seconds)
        if answer.type == Type.FAIL and answer.payload[0] == Failure.INPUTS_GONE:
            return None
        self._refuse_failure(answer)
        self._slowest[self._selected] = max(slowest or 0.0, time.monotonic() - start)
        return int.from_bytes(answer.payload[:4], "little"), int.from_bytes(answer.payload[4:], "little")

    def _fetch_outputs(self, info: DeviceInfo) -> bytes:
        chunk = info.max_payload - 4
        requests: list[Request] = [
            (Type.OUTPUT, struct.pack("<IH", offset, min(chunk, info.output_bytes - offset)))
            for offset in range(0, info.output_bytes, chunk)
        ]
        outputs = bytearray()
        for start in range(0, len(requests), _OUTPUTS_AHEAD):
            for answer in self._exchange(requests[start : start + _OUTPUTS_AHEAD], self._answer_seconds):
                self._refuse_failure(answer)
                outputs += answer.payload[4:]
        return bytes(outputs)

    def _exchange(self, requests: Sequence[Request], seconds: float) -> tuple[Frame, ...]:
        """Send requests, ask again for the answers that don't come, and return the answers in order.

        All tries together take at most twice `seconds`, and 8 more. An answer to an earlier try counts as well.
        """
        asked: dict[int, int] = {}
        answers: dict[int, Frame] = {}
        give_up = time.monotonic() + 2 * seconds + _PATIENCE_SECONDS
        for attempt in range(_TRIES):
            if attempt > 0:
                if time.monotonic() > give_up:
                    break
                self.retries += 1
                self._write(bytes(_MAX_PAYLOAD + OVERHEAD))  # frees a device that is in the middle of a frame
                self._drain()
            missing = [i for i in range(len(requests)) if i not in answers]
            sent = b"".join(self._encode(requests[i], i, asked) for i in missing)
            self._write(sent)
            on_wire = self._wire(len(sent) + len(missing) * (_MAX_PAYLOAD + OVERHEAD))
            self._collect(requests, asked, answers, seconds + on_wire)
            if len(answers) == len(requests):
                return tuple(answers[i] for i in range(len(requests)))
        raise self._no_answer()

    def _encode(self, request: Request, index: int, asked: dict[int, int]) -> bytes:
        self._seq = self._seq % 255 + 1  # never 0: that is the seq of "corrupt frame"
        asked[self._seq] = index
        return Frame(request[0], self._seq, request[1]).encode()

    def _collect(
        self, requests: Sequence[Request], asked: dict[int, int], answers: dict[int, Frame], seconds: float
    ) -> None:
        """Read until every request has its answer or the time is over; soon, once something broken was seen."""
        deadline = time.monotonic() + seconds
        while len(answers) < len(requests) and time.monotonic() < deadline:
            corrupt = self._parser.corrupt
            frames = self._parser.feed(self._read(self._parser.needed))
            _match(frames, requests, asked, answers)
            self._need_alive()
            if self._parser.corrupt > corrupt or any(_says_corrupt(frame) for frame in frames):
                deadline = min(deadline, time.monotonic() + _GRACE_SECONDS)
        if len(answers) < len(requests):
            _match(self._parser.abandon(), requests, asked, answers)

    def _need_alive(self) -> None:
        noise = self._parser.noise
        start = max(noise.rfind(mark) for mark in _CRASHES)
        if start >= 0 and b"\n" in noise[start:]:
            line = _printable(noise[start:].split(b"\n")[0].strip())
            raise TinygenError(f"the firmware at {self._name} crashed: '{line}'", "has it enough stack? (stack_bytes)")

    def _drain(self) -> None:
        """Read and forget until nothing comes any more (or the board does not stop sending)."""
        deadline = time.monotonic() + 0.5 + self._wire(_MAX_PAYLOAD + OVERHEAD)
        earliest = time.monotonic() + self._wire(_MAX_PAYLOAD + OVERHEAD)
        while time.monotonic() < deadline:
            data = self._read(4096)
            if not data and time.monotonic() >= earliest:
                break
            self._parser.feed(data)
        self._parser.abandon()

    def _wire(self, count: int) -> float:
        """Seconds that so many bytes take on the wire."""
        return count * self._byte_seconds

    def _read(self, count: int) -> bytes:
        try:
            return self._port.read(count)
        except (serial.SerialException, OSError) as error:
            raise self._lost(error) from error

    def _write(self, data: bytes) -> None:
        try:
            self._port.write(data)
        except (serial.SerialException, OSError) as error:
            raise self._lost(error) from error

    def _lost(self, error: Exception) -> TinygenError:
        return TinygenError(
            f"the connection to {self._name} broke off: {error}{self._heard()}", "is the cable still plugged in?"
        )

    def _no_answer(self) -> TinygenError:
        return TinygenError(f"the board at {self._name} does not answer{self._heard()}", _HINT)

    def _heard(self) -> str:
        """The last whole line of readable text that came instead of frames, quoted."""
        lines = [line.strip() for line in _printable(self._parser.noise, "\n").split("\n")]
        readable = [line for line in lines[:-1] if len(line) >= 8] or [line for line in lines if len(line) >= 8]
        return f"; it said '{readable[-1][:100]}'" if readable else ""

    def _refuse_failure(self, answer: Frame) -> None:
        if answer.type == Type.FAIL:
            raise TinygenError(f"the board at {self._name} refuses a request (code {answer.payload[0]})", _HINT)

    def _read_info(self, payload: bytes) -> DeviceInfo:
        try:
            version, flags, max_payload, sha, inputs, outputs, arena, hz = _INFO.unpack_from(payload)
            texts = payload[_INFO.size :]
            name, rest = _text(texts)
            maker, rest = _text(rest)
        except (struct.error, IndexError):
            version, flags, rest = 0, 0, b""
        if version != 1 or rest or not 16 <= max_payload <= _MAX_PAYLOAD:
            raise TinygenError(f"the board at {self._name} answers in another version of the protocol", _HINT)
        return DeviceInfo(max_payload, sha.hex(), inputs, outputs, arena, hz, name, maker, bool(flags & 1))


def _text(data: bytes) -> tuple[str, bytes]:
    """A string (u8 length, bytes) with nothing unprintable in it, and what follows; IndexError when it is cut."""
    end = 1 + data[0]
    if end > len(data):
        raise IndexError
    return _printable(data[1:end]), data[end:]


def _printable(data: bytes, instead: str = "?") -> str:
    """Text from a device, with nothing in it that a terminal would obey."""
    return "".join(chr(b) if 32 <= b < 127 else instead for b in data)


def _says_corrupt(frame: Frame) -> bool:
    return frame.type == Type.FAIL and frame.payload[:1] == bytes((Failure.CORRUPT,))


def _match(
    frames: Sequence[Frame], requests: Sequence[Request], asked: dict[int, int], answers: dict[int, Frame]
) -> None:
    """Put each frame that is an answer to a request in its place."""
    for frame in frames:
        index = asked.get(frame.seq)
        if index is not None and _fits(frame, requests[index]):
            answers[index] = frame


def _fits(frame: Frame, request: Request) -> bool:
    """Whether a frame is an answer to a request: by type, length and offset."""
    kind, payload = request
    if frame.type == Type.FAIL:
        return len(frame.payload) == 1 and frame.payload[0] != Failure.CORRUPT
    if frame.type != kind | _ANSWER:
        return False
    if kind == Type.INPUT:
        return frame.payload == payload[:4]
    if kind == Type.SELECT:
        return frame.payload == payload
    if kind == Type.INVOKE:
        return len(frame.payload) == 8
    if kind == Type.OUTPUT:
        return frame.payload[:4] == payload[:4] and len(frame.payload) == 4 + int.from_bytes(payload[4:], "little")
    return len(frame.payload) >= _INFO.size

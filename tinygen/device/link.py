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
from types import TracebackType

import serial

from tinygen.device.framing import OVERHEAD, Failure, Frame, Parser, Type
from tinygen.device.messages import (
    MAX_PAYLOAD,
    Answer,
    DeviceInfo,
    DeviceReport,
    Request,
    Result,
    Watched,
    match,
    printable,
    read_info,
    read_report,
    read_result,
    read_sums,
    read_watched,
    says_corrupt,
)
from tinygen.device.ports import close_port, is_url, open_port
from tinygen.errors import TinygenError

_TRIES = 30
_GRACE_SECONDS = 0.1  # for what is still under way when a broken frame was seen
_PATIENCE_SECONDS = 8.0
_WINDOW_BYTES = 4096  # inputs sent ahead of their answers
_OUTPUTS_AHEAD = 2  # small boards buffer 64 bytes while they send
_CRASHES = (b"!fault ", b"Guru Meditation")  # what emulated boards and ESP32s print then
_HINT = "check cable and baud rate, and that the tester's firmware is on the board (`tinygen test` flashes it)"


class Link:
    """A connection to a board that runs the tester's firmware. `retries` counts what had to be sent again."""

    def __init__(self, port: serial.Serial, name: str, baud: int, answer_seconds: float = 0.5) -> None:
        """`answer_seconds`: how long an answer may take, beside its time on the wire and that of the inference."""
        self.retries = 0
        self._port, self._name, self._answer_seconds = port, name, answer_seconds
        self._byte_seconds = 0.0 if is_url(name) else 10 / baud
        self._parser = Parser(MAX_PAYLOAD)
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
            self._write((bytes(MAX_PAYLOAD + OVERHEAD) if asked else b"") + self._encode(request, 0, asked))
            self._collect((request,), asked, answers, self._answer_seconds + self._wire(MAX_PAYLOAD))
        self._drain()
        info = read_info(answers[0].payload)
        if info is None:
            raise TinygenError(f"the board at {self._name} answers in another version of the protocol", _HINT)
        self._infos[self._selected] = info
        return info

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
        give_up = time.monotonic() + 2 * (timeout + self._wire(len(inputs))) + _PATIENCE_SECONDS
        for attempt in range(_TRIES):
            if attempt > 0:
                if time.monotonic() > give_up:
                    break
                self.retries += 1
                if len(self._infos) > 1:  # a board that was reset in between is at its first model again
                    self.select(self._selected)
            if not self._send_inputs(inputs, info, timeout):
                continue
            result = self._invoke(inputs, timeout)
            if result is None:  # the inputs did not arrive, or an earlier try used them up
                continue
            outputs = self._fetch_outputs(info)
            if outputs is not None and zlib.crc32(outputs) == result.crc:
                return Answer(outputs, result.ticks, result.stack_bytes)
        raise TinygenError(f"{self._name}: the sample does not get through, {attempt} times", _HINT)

    def report(self) -> DeviceReport:
        """What the board says of itself beside `hello`; all unknown for firmware of protocol version 1."""
        info = self._infos.get(self._selected) or self.hello()
        if info.protocol < 2:
            return DeviceReport(None, None)
        (answer,) = self._exchange(((Type.REPORT, b""),), self._answer_seconds)
        self._refuse_failure(answer)
        return read_report(answer.payload)

    def layer_sums(self, count: int, outputs: bytes) -> tuple[int, ...] | None:
        """The checksums of all `count` layers in the last inference, by the layer; see tinygen/layers.py.

        outputs: those of that inference. None when the board has them no more (it was reset): infer again.
        """
        sums: list[int] = []
        while len(sums) < count:
            request = (Type.LAYERS, struct.pack("<H", len(sums)))
            (answer,) = self._exchange((request,), self._answer_seconds)
            if answer.type == Type.FAIL and answer.payload[0] == Failure.INPUTS_GONE:
                return None
            self._refuse_failure(answer)
            crc, more = read_sums(answer.payload)
            if crc != zlib.crc32(outputs):
                return None
            if not more:
                break
            sums += more
        if len(sums) != count:
            raise TinygenError(f"the board at {self._name} has {len(sums)} layers, not {count}", _HINT)
        return tuple(sums)

    def watch(self, layer: int, row: int, offset: int) -> Watched | None:
        """Row `row` of a layer in the last inference, from byte `offset` on, as many bytes as the board keeps.

        None when that inference was not watched for this row: the next one is, so infer again.
        """
        request = (Type.WATCH, struct.pack("<HII", layer, row, offset))
        (answer,) = self._exchange((request,), self._answer_seconds)
        if answer.type == Type.FAIL and answer.payload[0] == Failure.INPUTS_GONE:
            return None
        self._refuse_failure(answer)
        return read_watched(answer.payload)

    def _send_inputs(self, inputs: bytes, info: DeviceInfo, timeout: float) -> bool:
        chunk = info.max_payload - 4
        requests: list[Request] = [
            (Type.INPUT, offset.to_bytes(4, "little") + inputs[offset : offset + chunk])
            for offset in range(0, len(inputs), chunk)
        ]
        ahead = 1 if info.by_rows else max(_WINDOW_BYTES // (info.max_payload + OVERHEAD), 1)
        seconds = self._answer_seconds + (timeout if info.by_rows else 0)
        for start in range(0, len(requests), ahead):
            for answer in self._exchange(requests[start : start + ahead], seconds):
                if self._is_at_another_model(answer):
                    return False
                self._refuse_failure(answer)
        return True

    def _is_at_another_model(self, answer: Frame) -> bool:
        """Whether it refuses an offset that the model of this link has: it is at another one, after a reset."""
        return answer.type == Type.FAIL and answer.payload[0] == Failure.BAD_RANGE and len(self._infos) > 1

    def _invoke(self, inputs: bytes, timeout: float) -> Result | None:
        """None when the device does not have these inputs, or ran another of its models on them."""
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
        result = read_result(answer.payload)
        return None if result.model not in (None, self._selected) else result

    def _fetch_outputs(self, info: DeviceInfo) -> bytes | None:
        """None when the device is at another model."""
        chunk = info.max_payload - 4
        requests: list[Request] = [
            (Type.OUTPUT, struct.pack("<IH", offset, min(chunk, info.output_bytes - offset)))
            for offset in range(0, info.output_bytes, chunk)
        ]
        outputs = bytearray()
        for start in range(0, len(requests), _OUTPUTS_AHEAD):
            for answer in self._exchange(requests[start : start + _OUTPUTS_AHEAD], self._answer_seconds):
                if self._is_at_another_model(answer):
                    return None
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
                self._write(bytes(MAX_PAYLOAD + OVERHEAD))  # frees a device that is in the middle of a frame
                self._drain()
            missing = [i for i in range(len(requests)) if i not in answers]
            sent = b"".join(self._encode(requests[i], i, asked) for i in missing)
            self._write(sent)
            on_wire = self._wire(len(sent) + len(missing) * (MAX_PAYLOAD + OVERHEAD))
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
            match(frames, requests, asked, answers)
            self._need_alive()
            if self._parser.corrupt > corrupt or any(says_corrupt(frame) for frame in frames):
                deadline = min(deadline, time.monotonic() + _GRACE_SECONDS)
        if len(answers) < len(requests):
            match(self._parser.abandon(), requests, asked, answers)

    def _need_alive(self) -> None:
        noise = self._parser.noise
        start = max(noise.rfind(mark) for mark in _CRASHES)
        if start >= 0 and b"\n" in noise[start:]:
            line = printable(noise[start:].split(b"\n")[0].strip())
            raise TinygenError(f"the firmware at {self._name} crashed: '{line}'", "has it enough stack? (stack_bytes)")

    def _drain(self) -> None:
        """Read and forget until nothing comes any more (or the board does not stop sending)."""
        deadline = time.monotonic() + 0.5 + self._wire(MAX_PAYLOAD + OVERHEAD)
        earliest = time.monotonic() + self._wire(MAX_PAYLOAD + OVERHEAD)
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
        lines = [line.strip() for line in printable(self._parser.noise, "\n").split("\n")]
        readable = [line for line in lines[:-1] if len(line) >= 8] or [line for line in lines if len(line) >= 8]
        return f"; it said '{readable[-1][:100]}'" if readable else ""

    def _refuse_failure(self, answer: Frame) -> None:
        if answer.type == Type.FAIL:
            raise TinygenError(f"the board at {self._name} refuses a request (code {answer.payload[0]})", _HINT)

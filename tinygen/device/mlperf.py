"""The host's end of MLPerf Tiny's text protocol (docs/SPEC.md, section 3): what its official runner does, in short.

Place in the flow: beside link.py, for firmware that was built with `--protocol mlperf`. What comes over the wire is
not trusted: lines are bounded, and every wait has an end.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from types import TracebackType

import serial

from tinygen.device.ports import close_port, open_port
from tinygen.errors import TinygenError

_BYTES_IN_A_COMMAND = 32  # two digits each, in a command of at most 80 bytes
_ANSWER_SECONDS = 2.0
_MOST_ANSWER_BYTES = 1 << 20
_RESULTS = re.compile(r"m-results-\[(-?\d+\.\d{3}(?:,-?\d+\.\d{3})*)\]")
_LAP = re.compile(r"m-lap-us-(\d+)")
_HINT = "check cable and baud rate, and that the board's firmware was built with --protocol mlperf"


@dataclass(frozen=True, slots=True)
class Inferred:
    """What `infer` answered: microseconds between its two laps, and the first output in thousandths."""

    microseconds: int
    results: tuple[int, ...]


class MlperfLink:
    """A connection to a board that speaks MLPerf Tiny's protocol."""

    def __init__(self, port: serial.Serial, name: str) -> None:
        self._port, self._name = port, name

    @classmethod
    def open(cls, port: str, baud: int = 115200) -> MlperfLink:
        """Open a tty, COM port or URL of pyserial's; raises TinygenError when that fails."""
        return cls(open_port(port, baud), port)

    def __enter__(self) -> MlperfLink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        close_port(self._port)

    def hello(self, timeout: float = 10.0) -> str:
        """Ask for the name until the board is ready (opening the port may have reset it); returns its model's name.

        Raises TinygenError when it does not answer, or answers something else.
        """
        give_up = time.monotonic() + timeout
        while True:
            try:
                self._port.reset_input_buffer()
                self.command("%", 0.5)  # whatever half a command was left there ends here
                break
            except TinygenError:
                if time.monotonic() > give_up:
                    raise
        if self.command("name%") != ("m-name-dut-[tinygen]",):
            raise TinygenError(f"the board at {self._name} is no tinygen firmware", _HINT)
        profile = self.command("profile%")
        if len(profile) != 2 or not profile[1].startswith("m-model-["):
            raise TinygenError(f"the board at {self._name} has no model", _HINT)
        return profile[1][len("m-model-[") : -1]

    def command(self, text: str, timeout: float = _ANSWER_SECONDS) -> tuple[str, ...]:
        """Send a command, '%' included; the lines of its answer without m-ready. Raises TinygenError."""
        self._port.write(text.encode("ascii"))
        give_up = time.monotonic() + timeout
        answer = bytearray()
        while not answer.endswith(b"m-ready\r\n"):
            answer += self._port.read(max(1, self._port.in_waiting))
            if time.monotonic() > give_up or len(answer) > _MOST_ANSWER_BYTES:
                raise TinygenError(f"the board at {self._name} gives no answer to '{text[:20]}'", _HINT)
        lines = answer.decode("ascii", errors="replace").split("\r\n")
        return tuple("".join(c if c.isprintable() else "?" for c in line) for line in lines[:-2])

    def load(self, inputs: bytes) -> None:
        """Load the bytes of all inputs; raises TinygenError when the board does not take them."""
        self._expect(f"db load {len(inputs)}%", f"m-[Expecting {len(inputs)} bytes]")
        for at in range(0, len(inputs), _BYTES_IN_A_COMMAND):
            part = inputs[at : at + _BYTES_IN_A_COMMAND]
            last = at + len(part) == len(inputs)
            self._expect(f"db {part.hex()}%", *(("m-load-done",) if last else ()))

    def infer(self, inputs: bytes, count: int = 1, warmup: int = 0, timeout: float = 30.0) -> Inferred:
        """Load a sample and run it `count` times after `warmup` times; `timeout` in seconds is for all of them.

        Raises TinygenError when anything but the answer of the protocol comes back.
        """
        self.load(inputs)
        lines = self.command(f"infer {count} {warmup}%", timeout)
        frame = (f"m-warmup-start-{warmup}", "m-warmup-done", f"m-infer-start-{count}")
        laps = [_LAP.fullmatch(line) for line in lines[3:5]]
        if lines[:3] != frame or len(lines) != 7 or None in laps or lines[5] != "m-infer-done":
            raise self._wrong("infer", lines)
        start, end = (int(lap[1]) for lap in laps if lap)
        return Inferred((end - start) % (1 << 32), self._results(lines[6]))

    def results(self) -> tuple[int, ...]:
        """The first output of the last inference, in thousandths."""
        lines = self.command("results%")
        return self._results(lines[0] if lines else "")

    def _results(self, line: str) -> tuple[int, ...]:
        match = _RESULTS.fullmatch(line)
        if match is None:
            raise self._wrong("results", (line,))
        return tuple(int(value.replace(".", "")) for value in match[1].split(","))

    def _expect(self, text: str, *lines: str) -> None:
        answer = self.command(text)
        if answer != lines:
            raise self._wrong(text, answer)

    def _wrong(self, what: str, lines: tuple[str, ...]) -> TinygenError:
        said = " ".join(lines)[:200] or "nothing"
        return TinygenError(f"the board at {self._name} answers '{what[:20]}' with {said}", _HINT)


def thousandths(values: tuple[int, ...], zero_point: int, scale: float) -> tuple[int, ...]:
    """What the firmware prints of quantized values, in thousandths: in whole numbers, half away from zero."""
    factor = scale_factor(scale)
    differences = [value - zero_point for value in values]
    return tuple((abs(d) * factor + (1 << 23) >> 24) * (-1 if d < 0 else 1) for d in differences)


def scale_factor(scale: float) -> int:
    """1000 times the scale, times 2^24."""
    return round(scale * 1000 * (1 << 24))

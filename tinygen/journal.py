"""What a test run has got so far, so that a killed one can go on (`tinygen test --resume`).

Place in the flow: tester.py writes a line for each sample. The file's first line says of which model, data, board and
options it is; with any other one the run starts anew.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from tinygen import __version__
from tinygen.boards import Board
from tinygen.device.messages import Answer
from tinygen.errors import TinygenError
from tinygen.pipeline import Compiled, libraries_of
from tinygen.samples import RawSamples, to_bytes


@dataclass(frozen=True, slots=True)
class Record:
    """What came of one sample: the answer, and the layers that were wrong (with --layers)."""

    answer: Answer
    wrong_layers: tuple[int, ...]


def identity_of(models: Sequence[tuple[Compiled, RawSamples]], board: Board, layers: bool) -> str:
    """SHA-256 of all that a result depends on: models, samples, board, the C, how it was planned, tinygen itself."""
    digest = hashlib.sha256()
    for name, files in sorted(libraries_of([compiled for compiled, _ in models]).items()):
        for file, content in sorted(files.items()):
            digest.update(json.dumps([name, file, len(content)]).encode() + content)
    for compiled, samples in models:
        request, size = compiled.request, 0
        for inputs in samples.inputs:
            content = to_bytes(inputs)
            digest.update(content)
            size += len(content)
        planned = [request.name, compiled.model.sha256, request.optimize, request.by_rows, request.hop, size]
        digest.update(json.dumps(planned).encode())
    digest.update(json.dumps([__version__, board.name, layers, len(models)]).encode())
    return digest.hexdigest()


class Journal:
    """An open state file: records by model and sample; `resumed` counts those that were there already."""

    def __init__(self, path: Path, identity: str) -> None:
        """Read what is there, if it is of the same run, and go on writing. Raises TinygenError."""
        self._path = path
        self._records, sound = _read(path, identity)
        self.resumed = len(self._records)
        self._stream: IO[str] = self._open(sound, identity)

    def _open(self, sound: int, identity: str) -> IO[str]:
        """Behind the `sound` bytes at the file's start; anew if there are none."""
        try:
            stream = self._path.open("r+" if sound else "w", encoding="utf-8", newline="\n")
            stream.truncate(sound)
            stream.seek(0, 2)
            if not sound:
                stream.write(json.dumps({"tinygen_test": identity}) + "\n")
                stream.flush()
        except OSError as error:
            raise TinygenError(
                f"cannot write {self._path}: {error.strerror}", "free some space, or leave out --resume"
            ) from error
        return stream

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()

    def get(self, model: int, sample: int) -> Record | None:
        """The record of a sample that an earlier run has got."""
        return self._records.get((model, sample))

    def add(self, model: int, sample: int, record: Record) -> None:
        """Write a record; what is written survives a kill. Raises TinygenError."""
        a = record.answer
        outputs = base64.b64encode(a.outputs).decode()
        line = json.dumps([model, sample, outputs, a.ticks, a.stack_bytes, list(record.wrong_layers)])
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except OSError as error:
            raise TinygenError(
                f"cannot write {self._path}: {error.strerror}", "free some space, or leave out --resume"
            ) from error

    def finish(self) -> None:
        """All is done: the file is needed no more."""
        self._stream.close()
        self._path.unlink(missing_ok=True)


def _read(path: Path, identity: str) -> tuple[dict[tuple[int, int], Record], int]:
    """The records of a file that is of this run, and how many bytes of it are whole lines that make sense."""
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return {}, 0
    except OSError as error:
        raise TinygenError(f"cannot read {path}: {error.strerror}", "remove it, or leave out --resume") from error
    records: dict[tuple[int, int], Record] = {}
    if not lines or _json(lines[0]) != {"tinygen_test": identity}:
        return {}, 0
    sound = len(lines[0])
    for line in lines[1:]:
        entry = _entry(_json(line))
        if entry is None or not line.endswith(b"\n"):
            break  # it was killed in the middle of this line
        records[entry[0]] = entry[1]
        sound += len(line)
    return records, sound


def _json(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _entry(value: Any) -> tuple[tuple[int, int], Record] | None:
    """A line's record by model and sample; None if it is none."""
    try:
        model, sample, outputs, ticks, stack, wrong = value
        numbers = (model, sample, ticks, *wrong, *(() if stack is None else (stack,)))
        if not all(type(n) is int and n >= 0 for n in numbers):
            return None
        answer = Answer(base64.b64decode(outputs, validate=True), ticks, stack)
    except (TypeError, ValueError):
        return None
    return (model, sample), Record(answer, tuple(wrong))

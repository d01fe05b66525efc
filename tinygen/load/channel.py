"""How a child process speaks with its parent: one JSON object per line, a RESULT or an ERROR at the end.

Place in the flow: load/worker.py and compress/worker.py are served by it; worker_client.py reads the lines.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from tinygen.errors import TinygenError
from tinygen.load import keras_job
from tinygen.load.child_limits import limit_memory

_SECONDS_BETWEEN_REPORTS = 1.0


class Channel:
    """The way to the parent: one JSON object per line."""

    def __init__(self) -> None:
        self._stream = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)  # C++ code that prints must not disturb the lines
        self._last = 0.0

    def send(self, key: str, value: object) -> None:
        self._stream.write(json.dumps({key: value}) + "\n")
        self._stream.flush()

    def progress(self, stage: str) -> None:
        self._last = time.monotonic()
        self.send(keras_job.PROGRESS, stage)

    def count(self, stage: str, done: int, total: int) -> None:
        """Progress inside a stage, at most once a second."""
        if done < total and time.monotonic() - self._last >= _SECONDS_BETWEEN_REPORTS:
            self.progress(f"{stage}: {done} of {total}")


def serve(job_file: str, do: Callable[[str, Channel], dict[str, object]]) -> int:
    """Do the job in a file: 0 and a RESULT line if it went well, else 1 after an ERROR line."""
    channel = Channel()
    limit_memory()
    try:
        channel.send(keras_job.RESULT, do(Path(job_file).read_text(encoding="utf-8"), channel))
        return 0
    except TinygenError as error:
        failure = error
    except MemoryError:
        failure = TinygenError("there is not enough memory for this model", "close other programs")
    fields = {"message": str(failure), "hint": failure.hint, "exit_code": failure.exit_code}
    channel.send(keras_job.ERROR, fields)
    return 1


def leave(status: int) -> NoReturn:
    """End the process: all is sent and written, and TensorFlow takes most of a second to put itself away."""
    sys.stderr.flush()
    os._exit(status)

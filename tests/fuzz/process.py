"""The compiling process from the fuzzer's side: little memory, a deadline per file, and a new one after a death.

The deadline is processor time, which the child keeps itself (tests/fuzz/child.py): so it says the same of a computer
that has much else to do. A child that only sleeps is ended after twenty times as long.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

_ROOT = Path(__file__).resolve().parents[2]
_ENVIRONMENT = {
    "PYTHONPATH": str(_ROOT),
    "PYTHONWARNINGS": "error",
    "OPENBLAS_NUM_THREADS": "1",  # each thread of it reserves memory that would count
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """`kind`: "plan", "error" (a TinygenError), or "bug": a traceback, no answer in time, or a death."""

    kind: str
    text: str
    seconds: float


class Compiler:
    """Compiles one file after the other; use with `with`."""

    def __enter__(self) -> Compiler:
        self._child: subprocess.Popen[bytes] | None = None
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end()

    def outcome(self, content: bytes, deadline: int = 30) -> Outcome:
        """What becomes of a file; `deadline` in seconds of processor time."""
        child = self._child or self._start()
        assert child.stdin is not None
        assert child.stdout is not None
        started = time.monotonic()
        child.stdin.write(deadline.to_bytes(4, "little") + len(content).to_bytes(4, "little") + content)
        child.stdin.flush()
        if not select.select([child.stdout], [], [], 20 * deadline)[0]:
            self._end()
            return Outcome("bug", f"no answer after {20 * deadline} s", 20 * deadline)
        line = child.stdout.readline()
        if not line:
            code = self._end()
            late = f", which means more than {deadline} s of work" if code == -signal.SIGPROF else ""
            return Outcome("bug", f"the process ended with {code}{late}", time.monotonic() - started)
        answer = json.loads(line)
        return Outcome(answer["outcome"], answer["text"], answer["seconds"])

    def _start(self) -> subprocess.Popen[bytes]:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.child"],
            cwd=tempfile.gettempdir(),
            env=os.environ | _ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        return self._child

    def _end(self) -> int | None:
        child, self._child = self._child, None
        if child is None:
            return None
        child.kill()
        child.communicate()
        return child.returncode

"""Runs the command line as a user does: in a process of its own."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.forked import REPOSITORY, Server

__all__ = ["REPOSITORY", "Result", "tinygen"]


@dataclass(frozen=True)
class Result:
    """What a command left behind."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)

    def error(self) -> str:
        """The error's one line; asserts that the command failed as it should, with a hint and no traceback."""
        assert self.code in (1, 2), (self.code, self.err)
        assert "Traceback" not in self.err + self.out
        lines = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1, self.err
        assert "should not have happened" not in lines[0], self.err
        assert any(line.startswith("hint: ") for line in self.err.splitlines()), self.err
        return lines[0]


def tinygen(
    *arguments: str | Path, cwd: Path, env: dict[str, str] | None = None, prefix: Sequence[str] = (), timeout: int = 300
) -> Result:
    """`tinygen ARGUMENTS`, in the folder `cwd`; with a prefix or another environment not by the server that forks."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), **(env or {})}
    if env or prefix:
        command = [*prefix, sys.executable, "-m", "tinygen", *map(str, arguments)]
        done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=timeout)
        return Result(done.returncode, done.stdout, done.stderr)
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        code = _server().run([*map(str, arguments)], cwd, environment, out, err, timeout)
        return Result(code, out.read_text(), err.read_text())


@functools.cache
def _server() -> Server:
    return Server()

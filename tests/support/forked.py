"""Commands in processes of their own that have imported tinygen before they begin: half a second less for each.

One server per test process imports the command line once and forks for every command; what a command changes (its
caches, its folder, its environment) is gone with it. Requests and answers are lines of JSON on its stdin and stdout.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]


class Server:
    """The process that forks; it ends when its stdin is closed, with this process at the latest."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.forked"],
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        atexit.register(self._close)

    def run(self, argv: list[str], cwd: Path, env: Mapping[str, str], out: Path, err: Path, timeout: float) -> int:
        """`tinygen ARGV` with its output in files; the exit code. Raises subprocess.TimeoutExpired."""
        request = {"argv": argv, "cwd": str(cwd), "env": dict(env), "out": str(out), "err": str(err)}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()
        pid = self._answer(None)
        try:
            code = self._answer(timeout)
        except BaseException:
            os.kill(pid, signal.SIGKILL)
            self._answer(None)
            raise
        return code

    def _answer(self, timeout: float | None) -> int:
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired("tinygen", timeout or 0)
        return int(self._process.stdout.readline())

    def _close(self) -> None:
        self._process.communicate()


def serve() -> None:
    """Fork for each request; returns in the child, which has become the command then."""
    for line in sys.stdin.buffer:
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become(request)
            return
        os.write(1, b"%d\n" % pid)
        os.write(1, b"%d\n" % os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    sys.exit(0)


def _become(request: dict[str, Any]) -> None:
    for number, name in ((0, os.devnull), (1, request["out"]), (2, request["err"])):
        file = os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o666)
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    sys.argv = ["tinygen", *request["argv"]]


if __name__ == "__main__":
    from tinygen.cli import main

    serve()
    main()

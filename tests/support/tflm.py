"""TensorFlow Lite Micro, the judge of what an int8 model computes, behind a process boundary."""

from __future__ import annotations

import importlib.util
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from tinygen.ir import Array

needs_tflm = pytest.mark.skipif(
    importlib.util.find_spec("tflite_micro") is None,
    reason="the tflite-micro wheel exists for x86-64 Linux only",
)


class Refused(Exception):
    """TFLM does not run this model."""


class Tflm:
    """A TFLM process; a model that aborts it counts as refused, and the next one gets a new process."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Tflm:
        with ExitStack() as stack:
            self._log = stack.enter_context(tempfile.TemporaryFile())
            self._open = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop()
        self._open.close()

    def run(
        self, model: bytes, samples: Sequence[Sequence[Array]], keep_state: bool = False
    ) -> list[tuple[Array, ...]]:
        """The outputs of each sample, each from the beginning or after the one before; raises Refused."""
        outputs: list[tuple[Array, ...]] = self._ask(model, samples, (), keep_state)[0]
        return outputs

    def tensors(self, model: bytes, sample: Sequence[Array], indices: Sequence[int]) -> dict[int, Array]:
        """Tensors of the inside, by index, after one inference; raises Refused."""
        kept: dict[int, Array] = self._ask(model, [sample], tuple(indices), True)[1]
        return kept

    def _ask(self, *request: Any) -> Any:
        if self._process is None:
            command = [sys.executable, str(Path(__file__).with_name("tflm_worker.py"))]
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, bufsize=-1
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._log.truncate(0)
        try:
            pickle.dump(request, self._process.stdin)
            self._process.stdin.flush()
            kind, *rest = pickle.load(self._process.stdout)
        except (EOFError, BrokenPipeError):
            raise Refused(f"the process ended with {self._stop()}: {self._said()}") from None
        if kind == "refused":
            raise Refused(f"{rest[0]} {self._said()}")
        return rest

    def _said(self) -> str:
        self._log.seek(0)
        return str(self._log.read().decode(errors="replace").strip("\0 \n"))

    def _stop(self) -> int | None:
        """End the process, if there is one; its exit code."""
        process, self._process = self._process, None
        if process is None:
            return None
        process.communicate()
        return process.returncode

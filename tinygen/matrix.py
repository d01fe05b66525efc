"""Every model on every board: each pair is built, tested and counted by commands of its own, several at a time.

Place in the flow: `tinygen matrix`; a pair that crashes takes no other with it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tinygen.boards import Board
from tinygen.cycles.plugin import is_qemu
from tinygen.errors import TinygenError
from tinygen.report.matrix import Pair

Done = Callable[[Pair], None]

SUFFIXES = (".tflite", ".keras", ".h5")


@dataclass(frozen=True, slots=True)
class Source:
    """A model file, the data to test with (None: what lies beside it, or random), and its name."""

    path: Path
    data: Path | None
    name: str


@dataclass(frozen=True, slots=True)
class Runner:
    """How pairs are run: in which folder, with how many samples, on which ports the real boards are."""

    folder: Path
    samples: int
    optimize: str
    ports: Mapping[str, str]
    locks: dict[str, threading.Lock] = field(default_factory=dict)

    def command(self, *arguments: str) -> tuple[int, dict[str, Any], str]:
        """Run `tinygen ARGUMENTS --json`; its exit code, its object, and its error."""
        whole = [sys.executable, "-m", "tinygen", *arguments, "--json"]
        done = subprocess.run(whole, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL)
        try:
            report = json.loads(done.stdout)
        except ValueError:
            report = {}
        errors = [line.removeprefix("error: ") for line in done.stderr.splitlines() if line.startswith("error: ")]
        error = errors[-1] if errors else "" if done.returncode == 0 else f"exit code {done.returncode}"
        return done.returncode, report if isinstance(report, dict) else {}, error

    def prepared(self, model: Path) -> Source:
        """A model as every board gets it: a Keras model is quantized once, its references are computed once.

        Raises TinygenError when that fails.
        """
        if model.suffix == ".tflite":
            return Source(model, None, model.stem)
        vectors = self.folder / f"{model.stem}.npz"
        project = self.folder / f"{model.stem}-references"
        arguments = ("--board", "host", "-o", str(project), "--samples", str(self.samples), "--vectors", str(vectors))
        code, _, error = self.command("test", *arguments, str(model))
        if code != 0:
            raise TinygenError(f"{model}: {error}")
        (tflite,) = (project / "model").glob("*.tflite")
        return Source(tflite, vectors, model.stem)

    def pair(self, source: Source, board: Board) -> Pair:
        """Build, test and count one pair."""
        start = time.monotonic()
        outcome, detail, figures = self._run(source, board)
        return Pair(source.name, board.name, outcome, detail, round(time.monotonic() - start, 1), **figures)

    def _run(self, source: Source, board: Board) -> tuple[str, str, dict[str, Any]]:
        project = self.folder / f"{source.name}-{board.name}"
        model = ("--optimize", self.optimize, *(("--data", str(source.data)) if source.data else ()), str(source.path))
        where = ("--board", board.name, "-o", str(project))
        code, built, error = self.command("build", *where, *model)
        figures = {key: built.get(key) for key in ("arena_bytes", "ram_bytes", "flash_bytes")}
        if code != 0:
            return ("does not fit" if built.get("fits") is False else "failed"), error, figures
        port = self.ports.get(board.name)
        if not board.emulated and port is None:
            return "built", "a real board, and no --port for it", figures
        chosen = () if port is None else ("--port", port)
        with self.locks.setdefault(board.name, threading.Lock()) if port else threading.Lock():
            code, tested, error = self.command("test", *where, *chosen, "--samples", str(self.samples), *model)
        figures |= {key: tested.get(key) for key in ("samples", "accuracy_device", "microseconds")}
        if tested:
            figures["bit_exact"] = tested.get("bit_exact") == tested.get("outputs")
        if code != 0:
            return "failed", error, figures
        if not is_qemu(board):
            return "passed", "", figures
        code, counted, error = self.command("bench", "--board", board.name, *model)
        figures["instructions"] = counted.get("instructions")
        return ("passed" if code == 0 else "failed"), error, figures


def run_matrix(models: Sequence[Path], boards: Sequence[Board], runner: Runner, jobs: int, done: Done) -> list[Pair]:
    """Run all pairs, `jobs` at a time; `done` is called with each as it ends. In the order of models, then boards."""
    for board in boards:
        runner.locks.setdefault(board.name, threading.Lock())
    with ThreadPoolExecutor(jobs) as pool:
        sources = [(model, pool.submit(runner.prepared, model)) for model in models]
        waiting: list[tuple[list[Pair], list[Future[Pair]]]] = []
        for model, future in sources:
            try:
                source = future.result()
            except TinygenError as error:
                failed = [Pair(model.stem, board.name, "failed", str(error), 0.0) for board in boards]
                for pair in failed:
                    done(pair)
                waiting.append((failed, []))
                continue
            waiting.append(([], [pool.submit(runner.pair, source, board) for board in boards]))
        pairs: list[Pair] = []
        for failed, futures in waiting:
            pairs += failed
            for submitted in futures:
                pairs.append(submitted.result())
                done(pairs[-1])
    return pairs

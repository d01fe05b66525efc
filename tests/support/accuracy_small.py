"""examples/kws with fewer channels: what `tinygen compress` makes of it, and how many instructions that saves."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from tests.support.accuracy_tasks import KWS, kws_samples
from tests.support.cli import tinygen

BOARD = "qemu-cortex-m4"
ARGUMENTS = ("--macs", "60%", "--steps", "5000")


def compressed_kws() -> dict[str, Any]:
    """The report of `tinygen compress --json`, with `board` and `instructions` before and after (QEMU's count)."""
    samples = kws_samples()
    with tempfile.TemporaryDirectory(prefix="tinygen-") as name:
        folder = Path(name)
        small = folder / "small.keras"
        arguments = (KWS / "kws.h5", "--data", samples, *ARGUMENTS, "-o", small, "--json")
        report: dict[str, Any] = tinygen("compress", *arguments, cwd=folder, timeout=7200).json()
        counts = [_instructions(model, folder) for model in (KWS / "kws.h5", small)]
    return {**report, "output": "small.keras", "arguments": list(ARGUMENTS), "board": BOARD, "instructions": counts}


def _instructions(model: Path, folder: Path) -> int:
    arguments = (model, "--data", KWS / "kws.npz", "--board", BOARD, "--json")
    count: int = tinygen("bench", *arguments, cwd=folder, timeout=1200).json()["instructions"]
    return count

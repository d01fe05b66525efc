"""Runs the child process that compresses a Keras model.

Place in the flow: `tinygen compress` calls it. TensorFlow is never imported here.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tinygen.compress.job import SMALL_STEM, CompressJob, Narrowed, Palette, State
from tinygen.load.arrays import write_atomically
from tinygen.load.spec import parse_spec
from tinygen.load.worker_client import run_child


@dataclass(frozen=True, slots=True)
class Compressed:
    """What became of a model. states: as it was, and after each step. measure: what a score is, in words; None without
    data. met: whether the targets are."""

    measure: str | None
    states: tuple[State, ...]
    pruned: tuple[Narrowed, ...]
    low_rank: tuple[Narrowed, ...]
    palette: Palette | None
    met: bool


def compress(job: CompressJob, output: Path, progress: Callable[[str], None]) -> Compressed:
    """Compress the job's model into `output`, a .keras or .h5 file. Raises TinygenError; `output` is then as it was."""
    job = replace(job, model=str(Path(job.model).resolve()), data=parse_spec(job.data).absolute if job.data else None)
    with tempfile.TemporaryDirectory(prefix="tinygen-") as name:
        folder = Path(name)
        found = run_child("tinygen.compress.worker", job.to_json(), Path(job.model).name, folder, progress)
        write_atomically(output, (folder / f"{SMALL_STEM}{job.suffix}").read_bytes())
    palette = found["palette"]
    return Compressed(
        found["measure"],
        tuple(State(**fields) for fields in found["states"]),
        tuple(Narrowed(**fields) for fields in found["pruned"]),
        tuple(Narrowed(**fields) for fields in found["low_rank"]),
        None if palette is None else Palette(**palette),
        found["met"],
    )

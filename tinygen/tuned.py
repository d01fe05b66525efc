"""What `tinygen tune` found for a model: a small JSON file beside it, which every command that plans for a board reads.

Place in the flow: cli/tune.py writes it; pipeline.py looks here before it chooses kernels and schedule. The file is
untrusted: it only names kernels and segments, and what these make is planned and checked as ever.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import jsonschema

from tinygen.errors import TinygenError
from tinygen.load.arrays import write_atomically
from tinygen.plan.search import OPTIMIZE, Stretch

_LARGEST = 1 << 24  # bytes of such a file
_HINT = "run `tinygen tune` again, or build with --tune none"
_COUNT = {"type": "integer", "minimum": 0, "maximum": 1 << 20}
_STRETCH = {
    "type": "object",
    "properties": dict.fromkeys(("first", "end", "height", "backwards"), _COUNT),
    "required": ["first", "end", "height", "backwards"],
    "additionalProperties": False,
}
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "tinygen_tune": {"const": 1},
        "model_sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "tuned": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    **{key: {"type": "string"} for key in ("board", "compiler", "metric")},
                    "optimize": {"enum": list(OPTIMIZE)},
                    "kernels": {"type": "array", "minItems": 1, "items": {"type": "string"}},
                    "schedule": {"type": "array", "minItems": 1, "items": _STRETCH},
                    "arena_bytes": {"type": "integer"},
                    "measured": {"type": "number"},
                },
                "required": [
                    *("board", "optimize", "compiler", "kernels", "schedule", "arena_bytes", "metric", "measured")
                ],
                "additionalProperties": False,
            },
        },
    },
    "required": ["tinygen_tune", "model_sha256", "tuned"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Tuned:
    """The fastest that was found for a board and an --optimize.

    kernels: a name out of kernelsets.candidates for each kernel call. schedule: the segments of the ordered program.
    measured: what an inference took, in `metric`: cycles, instructions or microseconds, as bench says.
    """

    board: str
    optimize: str
    compiler: str
    kernels: tuple[str, ...]
    schedule: tuple[Stretch, ...]
    arena_bytes: int
    metric: str
    measured: float


@dataclass(frozen=True, slots=True)
class TuneFile:
    """All that was tuned of one int8 model."""

    model_sha256: str
    tuned: tuple[Tuned, ...]

    def of(self, board: str, optimize: str) -> Tuned | None:
        return next((t for t in self.tuned if (t.board, t.optimize) == (board, optimize)), None)

    def with_tuned(self, tuned: Tuned) -> TuneFile:
        """With this one in the place of what was there for its board and --optimize."""
        others = (t for t in self.tuned if (t.board, t.optimize) != (tuned.board, tuned.optimize))
        return replace(self, tuned=(*others, tuned))


def tune_file_of(model: Path) -> Path:
    """Where a model's tuning lies unless --tune says otherwise: MODEL.tune.json beside the model."""
    return model.with_name(f"{model.name}.tune.json")


def load_tune_file(path: Path) -> TuneFile:
    """Read it; raises TinygenError when it is damaged or something else."""
    try:
        if path.stat().st_size > _LARGEST:
            raise TinygenError(f"{path} is too large for what `tinygen tune` writes", _HINT)
        content = json.loads(path.read_text(encoding="utf-8"))
        jsonschema.validate(content, _SCHEMA)
    except (OSError, ValueError, RecursionError) as error:
        raise TinygenError(f"{path} cannot be read: {error}", _HINT) from error
    except jsonschema.ValidationError as error:
        where = "/".join(str(part) for part in error.absolute_path)
        raise TinygenError(
            f"{path} is damaged, or not what `tinygen tune` writes{f': {where}' if where else ''}", _HINT
        ) from error
    return TuneFile(content["model_sha256"], tuple(_tuned(entry) for entry in content["tuned"]))


def save_tune_file(path: Path, file: TuneFile) -> None:
    """Write the whole file or none of it."""
    content = {"tinygen_tune": 1, **asdict(file)}
    write_atomically(path, (json.dumps(content, indent=1) + "\n").encode())


def find_tuned(model: Path, chosen: str | None, model_sha256: str, board: str, optimize: str) -> Tuned | None:
    """What was tuned for a board and --optimize; None if nothing was.

    chosen: the file, None for the one beside the model if there is any, or "none". Raises TinygenError when the file
    is damaged or of another model, and when a file that was chosen has nothing for this board and --optimize.
    """
    path = tune_file_of(model) if chosen is None else Path(chosen)
    if chosen == "none" or (chosen is None and not path.is_file()):
        return None
    file = load_tune_file(path)
    if file.model_sha256 != model_sha256:
        raise TinygenError(
            f"{path} belongs to another model: SHA-256 {file.model_sha256[:12]}..., this one's is "
            f"{model_sha256[:12]}...",
            _HINT,
        )
    found = file.of(board, optimize)
    if found is None and chosen is not None:
        raise TinygenError(f"{path} has nothing for {board} with --optimize {optimize}", _HINT)
    return found


def _tuned(entry: dict[str, Any]) -> Tuned:
    stretches = tuple(Stretch(**stretch) for stretch in entry["schedule"])
    return Tuned(**{**entry, "kernels": tuple(entry["kernels"]), "schedule": stretches})

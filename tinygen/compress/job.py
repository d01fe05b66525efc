"""What the parent process and the child that compresses a model say to each other.

Place in the flow: client.py writes a CompressJob, worker.py reads it and answers in the lines of load/keras_job.py; its
RESULT has the fields of a Compressed, but for what the parent knows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

SMALL_STEM = "compressed"  # the file in the child's folder; its suffix is the output's


@dataclass(frozen=True, slots=True)
class CompressJob:
    """What to do. `model`, `data` are absolute. `macs`: the part of the multiply-accumulates to keep by pruning.
    `max_drop`: prune on until the accuracy falls by more. `energy`: of the squared singular values that low rank keeps.
    `clusters`: values per weight tensor. `steps`: batches of fine-tuning after each change, 0 for none. None: not asked
    for. `suffix`: ".keras" or ".h5".
    """

    model: str
    data: str | None
    input_shapes: Mapping[str, tuple[int, ...]]
    allow_lambda: bool
    suffix: str
    macs: float | None = None
    max_drop: float | None = None
    energy: float | None = None
    clusters: int | None = None
    steps: int = 0

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> CompressJob:
        fields: dict[str, Any] = json.loads(text)
        shapes = {name: tuple(shape) for name, shape in fields.pop("input_shapes").items()}
        return CompressJob(**fields, input_shapes=shapes)


@dataclass(frozen=True, slots=True)
class State:
    """The model after one step. `step` in words.

    `score`, `int8_score`: of the float model, and of its int8 form by the default path, on the test samples: the part
    that `measure` of a Compressed says; None without data. Costs are of the int8 form with portable kernels, balanced;
    `instructions` is the planner's estimate.
    """

    step: str
    score: float | None
    int8_score: float | None
    macs: int
    const_bytes: int
    arena_bytes: int
    instructions: int


@dataclass(frozen=True, slots=True)
class Narrowed:
    """A layer that lost channels, or became two of a low rank (`after` is the rank then)."""

    layer: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Palette:
    """Clustered weights: how many tensors and weights, what they take as int8 in flash, and what indices of so few bits
    with a table per tensor would take, for which there are no kernels here."""

    clusters: int
    tensors: int
    weights: int
    int8_bytes: int
    palette_bytes: int

"""What the parent process and the child that imports TensorFlow say to each other.

Place in the flow: worker_client.py writes a Job, worker.py reads it and answers with lines of JSON, each an
object with one of the keys below. Files lie in the private folder that is the child's current directory.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tinygen.errors import TinygenError

PROGRESS = "progress"  # str: the stage that begins now
ERROR = "error"  # {"message", "hint", "exit_code"} of a TinygenError
# {"kind", "inputs", "outputs", "calibration", "samples", "random", "recurrent", "quality", "coverage"}: all went well.
# "quality": null, or the fields of a Quality; "coverage": those of a Coverage (subset.py), null without data
RESULT = "result"

MODEL_FILE = "model.tflite"
SAMPLES_FILE = "samples.npz"
SAMPLES_PREFIX = "x_"  # before the input's name in SAMPLES_FILE
OUTPUTS_FILE = "outputs.npz"
MIXED_FILE = "mixed.json"  # fields of a Search (quantize/search.py) without its content
DIAGNOSIS_FILE = (
    "diagnosis.json"  # {"plain", "now": fields of a Diagnosis, "tried", "offers", "findings"}: see worker.py
)
ROBUSTNESS_FILE = "robustness.json"  # fields of a Robustness (quantize/robust.py)
INSIDE_FILE = "inside.npz"

MOST_CALIBRATION_SAMPLES = 300  # if nothing else is asked for
UNNAMED = ""  # the name of a model's only input in Job.input_shapes


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """An input or output of a model; None: a dimension that the file leaves open."""

    name: str
    shape: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Quality:
    """What quantize/improve.py won: SQNR of the model's output against the float model, in dB on calibration samples,
    as the converter quantizes and now; `remedies` in words."""

    plain_sqnr_db: float
    sqnr_db: float
    remedies: tuple[str, ...]

    @staticmethod
    def from_json(fields: dict[str, Any] | None) -> Quality | None:
        return None if fields is None else Quality(**{**fields, "remedies": tuple(fields["remedies"])})


@dataclass(frozen=True, slots=True)
class Job:
    """One run of the child.

    `quantize`: write MODEL_FILE, and float outputs of the test samples if `predict`. Otherwise: run the float
    model on SAMPLES_FILE. `diagnose`: also write DIAGNOSIS_FILE; `robustness`: also ROBUSTNESS_FILE. `model`, `data`
    and `calibration`, which replaces the samples of `data` to calibrate with, are absolute. `calibration_samples`: at
    most so many of them are used. `activations`:
    "int8", or "int16" for TFLite's 16x8 mode. `target_drop`: give layers int16 activations until the accuracy falls by
    no more than that (0.005: half a percent), and write MIXED_FILE.
    `inside`: names of tensors whose values inside the float model go to INSIDE_FILE, by their number here.
    """

    model: str
    quantize: bool
    data: str | None
    predict: bool
    input_shapes: Mapping[str, tuple[int, ...]]
    allow_lambda: bool
    activations: str = "int8"
    calibration: str | None = None
    calibration_samples: int = MOST_CALIBRATION_SAMPLES
    diagnose: bool = False
    robustness: bool = False
    target_drop: float | None = None
    inside: tuple[str, ...] = ()

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> Job:
        fields: dict[str, Any] = json.loads(text)
        shapes = {name: tuple(shape) for name, shape in fields.pop("input_shapes").items()}
        inside = tuple(fields.pop("inside"))
        return Job(**fields, input_shapes=shapes, inside=inside)


def fix_shapes(inputs: tuple[TensorInfo, ...], given: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """The shape that each input is compiled for.

    An unknown first dimension is the batch and becomes 1 (not that of a lone dimension: an input of shape (?)
    is a signal of unknown length). `given` (from --input-shape: by input name, UNNAMED for the only input)
    fills what else is unknown; the batch may be left out there. Raises TinygenError for a dimension that
    stays unknown, and for a given shape that contradicts the model.
    """
    names = tuple(tensor.name for tensor in inputs)
    for name in given:
        if name not in names and not (name == UNNAMED and len(names) == 1):
            wrong = f"the model has no input {name}" if name else f"the model has {len(names)} inputs"
            raise TinygenError(f"{wrong}; its inputs are {', '.join(names)}", "--input-shape NAME=1,49,10,1")
    unnamed = given.get(UNNAMED)
    return {tensor.name: _fix(tensor, given.get(tensor.name, unnamed)) for tensor in inputs}


def _fix(tensor: TensorInfo, given: tuple[int, ...] | None) -> tuple[int, ...]:
    shape = tensor.shape
    if len(shape) > 1 and shape[0] is None:
        shape = (1, *shape[1:])
    if given is not None:
        full = (1, *given) if len(given) == len(shape) - 1 and shape[0] == 1 else given
        fits = len(full) == len(shape) and all(
            got > 0 and want in (None, got) for want, got in zip(shape, full, strict=True)
        )
        if not fits:
            raise TinygenError(
                f"the input shape {_text(given)} does not fit input {tensor.name}, which is {_text(tensor.shape)}",
                "only what is shown as ? can be chosen",
            )
        return full
    known = tuple(d for d in shape if d is not None)
    if len(known) < len(shape):
        example = ",".join("N" if d is None else str(d) for d in shape)
        raise TinygenError(
            f"input {tensor.name} of the model has an unknown dimension: {_text(tensor.shape)}",
            f"say how large it is with --input-shape {example}",
        )
    return known


def _text(shape: tuple[int | None, ...]) -> str:
    return "(" + ", ".join("?" if d is None else str(d) for d in shape) + ")"

"""What was asked for: a model, its data, how to plan it; what was left out is filled in.

Place in the flow: the command line makes a Request; pipeline.py does what it says.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinygen import __version__
from tinygen.errors import TinygenError
from tinygen.load.data import find_data
from tinygen.load.featured import OPTION as FEATURES_OPTION
from tinygen.load.keras_job import MOST_CALIBRATION_SAMPLES
from tinygen.load.settle import settled
from tinygen.load.spec import Spec, parse_spec
from tinygen.render.names import c_name


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for. `data` is for load_data; input_shapes by input name ("" for the only input).

    `calibration`: other samples to calibrate with than those of `data`, at most `calibration_samples` of either.

    `optimize` is one of plan.search.OPTIMIZE.
    `activations`: what a Keras model is quantized to, "int8" or "int16" (with int8 weights).
    `hop`: stream over time, so many new frames with each inference.
    `tune`: a file that `tinygen tune` wrote, None for the one beside the model, "none" for no tuning.
    `features`: the table that says how the input is made of samples, None where the application brings the input.
    """

    model: Path
    name: str
    data: str | None
    input_shapes: dict[str, tuple[int, ...]]
    allow_lambda: bool
    optimize: str = "balanced"
    by_rows: bool = False
    activations: str = "int8"
    hop: int | None = None
    tune: str | None = None
    calibration: str | None = None
    calibration_samples: int = MOST_CALIBRATION_SAMPLES
    features: Path | None = None

    @property
    def is_tflite(self) -> bool:
        return self.model.suffix == ".tflite"


def make_request(
    model: Path,
    name: str | None,
    data: str | None,
    input_shapes: dict[str, tuple[int, ...]],
    allow_lambda: bool,
    optimize: str = "balanced",
    by_rows: bool = False,
    activations: str = "int8",
    hop: int | None = None,
    tune: str | None = None,
    calibration: str | None = None,
    calibration_samples: int = MOST_CALIBRATION_SAMPLES,
    features: str | None = None,
) -> Request:
    """Fill in what was left out: the name from the file, the data file and the table of features beside the model.

    features: the table's file, None for MODEL.toml beside the model, "none" for no table.
    """
    if tune not in (None, "none") and (by_rows or hop is not None):
        raise TinygenError("what was tuned is for whole inputs", "leave out --tune, or --input rows and --hop", 2)
    if not model.exists():
        raise TinygenError(f"there is no file {model}", "check the path")
    if model.suffix == ".tflite" and activations != "int8":
        raise TinygenError(f"{model} is quantized already", "--activations is for Keras models and SavedModels")
    beside = find_data(model)
    if data is None and beside is not None:
        data = str(beside)
    table = _features_file(model, features, by_rows)
    data, calibration = (None if text is None else settled(text, model, table) for text in (data, calibration))
    return Request(
        model=model,
        name=c_name(name or model.stem),
        data=data,
        input_shapes=input_shapes,
        allow_lambda=allow_lambda,
        optimize=optimize,
        by_rows=by_rows,
        activations=activations,
        hop=hop,
        tune=tune,
        calibration=calibration,
        calibration_samples=calibration_samples,
        features=table,
    )


def _features_file(model: Path, features: str | None, by_rows: bool) -> Path | None:
    beside = model.parent / f"{model.stem}.toml"
    if features == "none" or (features is None and not beside.is_file()):
        return None
    table = beside if features is None else Path(features)
    if not table.is_file():
        raise TinygenError(f"there is no file {table}", "give the table of the model's features, or `none`", 2)
    if by_rows:
        raise TinygenError(f"{table} and --input rows exclude each other", "frames come whole; see --hop", 2)
    return table


def identity_of(request: Request) -> dict[str, Any]:
    """What an int8 model depends on, as it stands in build.json."""
    data = None if request.data is None or request.is_tflite else parse_spec(request.data)
    other = None if request.calibration is None or request.is_tflite else parse_spec(request.calibration)
    return {
        "tinygen": __version__,
        "model": request.model.name,
        "source_sha256": sha256_of(request.model),
        "data_key": None if data is None else data.key,
        "data_options": None if data is None else _options(data),
        "data_sha256": None if data is None else sha256_of(data.path),
        "calibration_data": None if other is None else [other.key, _options(other), sha256_of(other.path)],
        "most_samples": request.calibration_samples,
        "input_shapes": {name: list(shape) for name, shape in request.input_shapes.items()},
        "allow_lambda": request.allow_lambda,
        "activations": request.activations,
    }


def _options(spec: Spec) -> dict[str, str]:
    """What a source of data says behind its path; of a table of features what is in it, not where it lies."""
    return {name: sha256_of(Path(value)) if name == FEATURES_OPTION else value for name, value in spec.options.items()}


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, or of a folder's files with their names, hexadecimal."""
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            if path.is_dir():
                digest.update(file.relative_to(path).as_posix().encode() + b"\0")
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()

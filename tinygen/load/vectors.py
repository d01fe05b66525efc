"""The vectors file: inputs with both references, so that a board can be tested without TensorFlow.

Place in the flow: `tinygen test --vectors FILE` writes it, `--data FILE` reads it again (data.py). An .npz:

    tinygen_vectors  1, the version of this layout
    model_sha256     hex digits of the SHA-256 of the int8 .tflite
    input_names      (I,) strings
    int8_input_i     (N, ...) what the device takes, for each input i
    int8_output_i    (N, ...) what it must answer, for each output i
    x_test_i         (N, ...) float32, the samples before quantization (left out if there were none)
    float_output_i   (N, ...) float32, the float model's answers (left out if there is no float model)
    y_test, labels   as in any data file, if known
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinygen.errors import TinygenError
from tinygen.load.arrays import Array, ArrayFile, Samples, Shapes, check_samples, fits, write_atomically

MARKER = "tinygen_vectors"
_VERSION = 1
_MADE_BY = "write it again with tinygen test --vectors"


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """What a vectors file holds; `test` is empty, or has the float samples by input name."""

    model_sha256: str
    int8_inputs: Samples
    int8_outputs: tuple[Array, ...]
    test: Samples
    float_outputs: tuple[Array, ...]


def save_vectors(
    path: Path,
    *,
    model_sha256: str,
    int8_inputs: Samples,
    int8_outputs: Sequence[Array],
    test: Samples | None = None,
    float_outputs: Sequence[Array] = (),
    y_test: Array | None = None,
    labels: Sequence[str] = (),
) -> None:
    """Write a vectors file, whole or not at all; the same arguments give the same bytes.

    All arrays have the samples as their first axis. Raises TinygenError if it cannot be written.
    """
    arrays: dict[str, Array] = {
        MARKER: np.array(_VERSION),
        "model_sha256": np.array(model_sha256),
        "input_names": np.array(list(int8_inputs), dtype=str),
    }
    groups = {
        "int8_input": list(int8_inputs.values()),
        "int8_output": int8_outputs,
        "x_test": [] if test is None else [test[name] for name in int8_inputs],
        "float_output": float_outputs,
    }
    for prefix, members in groups.items():
        arrays |= {f"{prefix}_{i}": array for i, array in enumerate(members)}
    if y_test is not None:
        arrays["y_test"] = y_test
    if labels:
        arrays["labels"] = np.array(labels, dtype=str)
    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, **arrays)
    write_atomically(path, content.getvalue())


def read_vectors(file: ArrayFile, shapes: Shapes, model_sha256: str) -> Vectors:
    """The vectors of an open file, for a model with these inputs and this SHA-256 ("" is not compared).

    Raises TinygenError if the file belongs to another model or is incomplete.
    """
    sha = str(_read(file, "model_sha256"))
    if int(_number(file)) != _VERSION:
        raise TinygenError(f"{file.name} is a vectors file of another version of tinygen", _MADE_BY)
    if model_sha256 and sha != model_sha256:
        raise TinygenError(
            f"{file.name} was made for another model (int8 SHA-256 {sha[:12]}..., this one has {model_sha256[:12]}...)",
            f"build the model that it was made for, or {_MADE_BY}",
        )
    names = tuple(str(name) for name in np.atleast_1d(_read(file, "input_names")))
    if len(names) != len(shapes):
        raise TinygenError(f"{file.name} has {len(names)} inputs, the model {len(shapes)}", _MADE_BY)
    raw, samples = _group(file, "int8_input"), _group(file, "x_test")
    outputs, floats = _group(file, "int8_output"), _group(file, "float_output")
    counts = {len(array) if array.ndim else 0 for array in (*raw, *samples, *outputs, *floats)}
    complete = len(raw) == len(names) and len(samples) in (0, len(names)) and len(floats) in (0, len(outputs))
    if not outputs or not complete or len(counts) != 1 or counts == {0}:
        raise TinygenError(f"{file.name} is incomplete", _MADE_BY)
    for array, (name, shape) in zip(raw, shapes.items(), strict=True):
        if array.dtype.kind not in "iu" or not fits(array, shape):
            raise TinygenError(f"{file.name} does not fit the model's input {name}", _MADE_BY)
    checked = {
        name: check_samples(array, f"x_test of {file.name}", shape)
        for array, (name, shape) in zip(samples, shapes.items(), strict=bool(samples))
    }
    return Vectors(sha, dict(zip(shapes, raw, strict=True)), outputs, checked, floats)


def _group(file: ArrayFile, prefix: str) -> tuple[Array, ...]:
    """The arrays prefix_0, prefix_1, ..., of which none may be missing."""
    count = sum(key.startswith(f"{prefix}_") for key in file.keys)
    return tuple(_read(file, f"{prefix}_{i}") for i in range(count))


def _read(file: ArrayFile, key: str) -> Array:
    if key not in file.keys:
        raise TinygenError(f"{file.name} is incomplete: it has no {key}", _MADE_BY)
    return file.read(key)


def _number(file: ArrayFile) -> Array:
    marker = _read(file, MARKER)
    if marker.shape != () or marker.dtype.kind not in "iu":
        raise TinygenError(f"{file.name} is a damaged vectors file", _MADE_BY)
    return marker

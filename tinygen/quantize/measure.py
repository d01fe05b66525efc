"""What the tensors of a float model hold on the calibration samples, and how far an int8 model is off.

Place in the flow: improve.py measures the float model once and each int8 candidate on the same samples. Both run in
the LiteRT interpreter: fast, and near enough to the device (not to the bit) to compare candidates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from tinygen.ir import Array

_PER_SAMPLE = 256  # values of a tensor that are looked at in each sample
_SEED = 7
Progress = Callable[[int, int], None]  # told how many samples are done, and of how many
Inputs = Sequence[Array]  # one inference: an array per input of the model, with the batch axis


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One tensor over all samples: some of its values per sample (samples, values), its extremes per sample, and per
    channel (the last axis) the mean and the largest magnitude."""

    values: Array
    low: Array
    high: Array
    channel_mean: Array
    channel_most: Array


def look(content: bytes, samples: Sequence[Inputs], tensors: Sequence[int], done: Progress) -> dict[int, Seen]:
    """Run a float .tflite on samples and look at these tensors."""
    interpreter = _interpreter(content)
    rng = np.random.default_rng(_SEED)
    places: dict[int, Array] = {}
    parts: dict[int, list[tuple[Array, ...]]] = {i: [] for i in tensors}
    for count, _ in enumerate(_invoke(interpreter, samples), 1):
        for i in tensors:
            value = interpreter.get_tensor(i)
            flat = value.reshape(-1)
            if i not in places:
                places[i] = rng.permutation(flat.size)[:_PER_SAMPLE]
            channels = value.reshape(-1, value.shape[-1] if value.ndim else 1)
            parts[i].append((flat[places[i]], flat.min(), flat.max(), channels.mean(0), np.abs(channels).max(0)))
        done(count, len(samples))
    seen = {}
    for i, rows in parts.items():
        values, low, high, means, most = (np.stack(column) for column in zip(*rows, strict=True))
        seen[i] = Seen(values, low, high, means.mean(0), most.max(0))
    return seen


def outputs(content: bytes, samples: Sequence[Inputs], tensors: Sequence[int]) -> dict[int, Array]:
    """These tensors of a .tflite as real numbers, (samples, ...), for real inputs."""
    interpreter = _interpreter(content)
    details = {d["index"]: d for d in interpreter.get_tensor_details()}
    rows: dict[int, list[Array]] = {i: [] for i in tensors}
    for _ in _invoke(interpreter, samples):
        for i in tensors:
            rows[i].append(_real(interpreter.get_tensor(i), details[i]["quantization"]))
    return {i: np.stack(found) for i, found in rows.items()}


def _interpreter(content: bytes) -> Interpreter:
    """One that keeps the tensors in between; without delegates, because XNNPACK fuses layers and rounds otherwise."""
    interpreter = Interpreter(
        model_content=content,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    return interpreter


def _real(value: Array, quantization: tuple[float, int]) -> Array:
    scale, zero_point = quantization
    real: Array = (value.astype(np.float32) - zero_point) * np.float32(scale) if scale else value.astype(np.float32)
    return real


def _invoke(interpreter: Interpreter, samples: Sequence[Inputs]) -> Iterator[None]:
    """Run each sample; the interpreter holds its tensors until the next."""
    details = interpreter.get_input_details()
    for sample in samples:
        for detail, value in zip(details, sample, strict=True):
            scale, zero_point = detail["quantization"]
            if scale:
                info = np.iinfo(detail["dtype"])
                value = np.clip(np.round(value / np.float32(scale)) + zero_point, info.min, info.max)
            interpreter.set_tensor(detail["index"], value.astype(detail["dtype"]))
        interpreter.reset_all_variables()
        interpreter.invoke()
        yield


def sqnr_db(real: Array, got: Array) -> Array:
    """Signal to quantization noise of each sample in dB, between -20 and 60; the first axis counts the samples."""
    a, b = (np.asarray(x, np.float64).reshape(len(x), -1) for x in (real, got))
    power, noise = (a * a).sum(1), ((a - b) ** 2).sum(1)
    ratio = np.where(power > 0, power, 1.0) / np.maximum(noise, 1e-30)
    decibels: Array = np.clip(10 * np.log10(ratio), -20, 60)
    return decibels

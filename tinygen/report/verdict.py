"""The two verdicts of the host tester: the code against the int8 reference, the quantization against float.

Place in the flow: after device/link.py has brought the outputs back. Pure functions over arrays.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinygen.ir import Array, Tensor
from tinygen.samples import real_values

# one entry per sample; each a tuple of the model's outputs
Outputs = Sequence[tuple[Array, ...]]


@dataclass(frozen=True, slots=True)
class CodeVerdict:
    """Device against the int8 reference. `outputs` counts output elements of all samples."""

    samples: int
    outputs: int
    bit_exact: int
    first_wrong: str

    @property
    def passed(self) -> bool:
        return self.outputs == self.bit_exact and self.samples > 0


@dataclass(frozen=True, slots=True)
class FloatVerdict:
    """Device against the float model; None where the task has no classes or the data no labels.

    `max_error` is in real units, `snr_db` 10 log10 of the float outputs' power over the error's.
    """

    top1_agreement: float | None
    accuracy_device: float | None
    accuracy_float: float | None
    max_error: float
    snr_db: float


def judge_code(device: Outputs, reference: Outputs) -> CodeVerdict:
    """Count the output elements that are equal; names the first that is not."""
    total, equal, first = 0, 0, ""
    for sample, (got, wanted) in enumerate(zip(device, reference, strict=True)):
        for index, (g, w) in enumerate(zip(got, wanted, strict=True)):
            same = np.atleast_1d(g.view(np.uint8).reshape(w.size, -1) == w.view(np.uint8).reshape(w.size, -1)).all(1)
            total += same.size
            equal += int(same.sum())
            if not first and not same.all():
                at = int(np.argmin(same))
                values = f"{g.flat[at]} instead of {w.flat[at]}"
                first = f"sample {sample}, output {index}, element {at}: {values}"
    return CodeVerdict(len(device), total, equal, first)


def judge_float(
    device: Outputs, outputs: Sequence[Tensor], float_outputs: Sequence[Array], y_test: Array | None, classes: bool
) -> FloatVerdict:
    """Compare dequantized device outputs with the float model's.

    float_outputs: per output an array (N, ...); y_test: class indices (N,) or None; `classes` says whether the
    first output is a score per class (one score alone is a probability, decided at 0.5).
    """
    real = [
        real_values([sample[k] for sample in device], tensor).astype(np.float64).reshape(len(device), -1)
        for k, tensor in enumerate(outputs)
    ]
    wanted = [np.asarray(f, np.float64)[: len(device)].reshape(len(device), -1) for f in float_outputs]
    error = np.concatenate([(r - w).ravel() for r, w in zip(real, wanted, strict=True)])
    power = sum(float(np.square(w).sum()) for w in wanted)
    noise = float(np.square(error).sum())
    snr = math.inf if noise == 0 else -math.inf if power == 0 else 10 * math.log10(power / noise)
    agreement = accuracy_device = accuracy_float = None
    if classes:
        top_device, top_float = decide(real[0]), decide(wanted[0])
        agreement = float(np.mean(top_device == top_float))
        if y_test is not None:
            truth = y_test[: len(device)]
            accuracy_device = float(np.mean(top_device == truth))
            accuracy_float = float(np.mean(top_float == truth))
    return FloatVerdict(agreement, accuracy_device, accuracy_float, float(np.abs(error).max()), snr)


def accuracy_of(device: Outputs, output: Tensor, y_test: Array) -> float:
    """How many of the samples (0 to 1) are decided as y_test, class indices (N,), says; by the first output alone."""
    real = real_values([sample[0] for sample in device], output).astype(np.float64).reshape(len(device), -1)
    return float(np.mean(decide(real) == y_test[: len(device)]))


def decide(scores: Array) -> Array:
    """The class of each sample, of scores (N, classes); one score alone is a probability, decided at 0.5."""
    decided: Array = (scores[:, 0] > 0.5).astype(np.int64) if scores.shape[1] == 1 else scores.argmax(axis=1)
    return decided

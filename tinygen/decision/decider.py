"""Decisions in whole numbers: a mean over the last results, a threshold for each label, and a time of rest.

Place in the flow: made for a model's output when it is planned; templates/features/tg_decide.h is its C twin.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt

from tinygen.errors import TinygenError
from tinygen.ir import DType, Tensor

Scores = npt.NDArray[np.int8]
_HINT = "docs/features.md says what stands in [decision]"
_MOST_LABELS = 30000
_COUNTER_BYTES = 8
# of a background label: no sum of 255 scores reaches it
_NEVER = 32767


@dataclass(frozen=True, slots=True)
class DecisionTable:
    """The [decision] table with its defaults filled in; `threshold` in the output's unit, one or one for each label,
    `smoothing` and `refractory` in results. labels: () where the data names them."""

    smoothing: int
    threshold: tuple[float, ...]
    refractory: int
    background: tuple[str, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decider:
    """A table made for one output. A label is decided for when the sum of its last `smoothing` scores is the highest of
    all and at least its limit; then come `refractory` results without a decision. Background is never decided for."""

    labels: tuple[str, ...]
    limits: tuple[int, ...]
    smoothing: int
    refractory: int

    @property
    def state_bytes(self) -> int:
        """Static memory: the scores that are summed, the sums, and counters."""
        return len(self.labels) * (self.smoothing + 2) + _COUNTER_BYTES

    @property
    def const_bytes(self) -> int:
        return 2 * len(self.limits)


def decision_table(content: dict[str, Any]) -> DecisionTable:
    """The checked table [decision] of a TOML file (features/definition.py), as it was read."""
    threshold = content.get("threshold", 0.5)
    return DecisionTable(
        smoothing=content.get("smoothing", 1),
        threshold=tuple(map(float, threshold)) if isinstance(threshold, list) else (float(threshold),),
        refractory=content.get("refractory", 0),
        background=tuple(content.get("background", ())),
        labels=tuple(content.get("labels", ())),
    )


def make_decider(table: DecisionTable, tensor: Tensor, labels: tuple[str, ...]) -> Decider:
    """The decider of a model whose first output is `tensor`. labels: what the data names its scores, or ().

    Exact: a mean of scores reaches the threshold just where the sum of the int8 scores reaches the limit. Raises
    TinygenError where table and model do not fit together.
    """
    if tensor.dtype is not DType.INT8:
        raise TinygenError(f"decisions are made of int8 scores, and the output is {tensor.dtype.value}", _HINT)
    count = tensor.elements
    if count > _MOST_LABELS:
        raise TinygenError(f"{count:,} scores are too many to decide among", _HINT)
    names = _labels(table, count, labels)
    if len(table.threshold) not in (1, count):
        raise TinygenError(f"{len(table.threshold)} thresholds for {count} scores", "give one, or one for each score")
    for name in table.background:
        if name not in names:
            raise TinygenError(f"background '{name}' is none of the labels {', '.join(names)}", _HINT)
    limits = tuple(
        _NEVER if name in table.background else sum_limit(threshold, table.smoothing, tensor)
        for name, threshold in zip(names, table.threshold * (count // len(table.threshold)), strict=True)
    )
    return Decider(names, limits, table.smoothing, table.refractory)


def _labels(table: DecisionTable, count: int, labels: tuple[str, ...]) -> tuple[str, ...]:
    known = labels if len(labels) == count else ()
    if table.labels and len(table.labels) != count:
        raise TinygenError(f"{len(table.labels)} labels for {count} scores", "name every score, in their order")
    if table.labels and known and table.labels != known:
        raise TinygenError("labels of [decision] are not those of the data", "leave them out of the table")
    return table.labels or known or tuple(map(str, range(count)))


def sum_limit(threshold: float, smoothing: int, tensor: Tensor) -> int:
    """The smallest sum of `smoothing` scores of a tensor whose mean is at least `threshold` in real values."""
    exact = smoothing * (Fraction(threshold) / Fraction(float(tensor.scale)) + tensor.zero_point)
    return min(max(ceil(exact), -128 * smoothing), 127 * smoothing + 1)


def smoothed_sums(scores: Scores, smoothing: int) -> npt.NDArray[np.int64]:
    """scores (results, labels) to the sums (results - smoothing + 1, labels) of each `smoothing` in a row."""
    total = np.concatenate([np.zeros((1, scores.shape[1]), np.int64), scores.cumsum(0, dtype=np.int64)])
    return np.asarray(total[smoothing:] - total[:-smoothing], np.int64)


def with_rests(reached: npt.NDArray[np.bool_], refractory: int) -> list[int]:
    """Which results (rising numbers) are decisions, of those that reach a limit: none within `refractory` of one."""
    fired, free = [], 0
    for at in np.flatnonzero(reached).tolist():
        if at >= free:
            fired.append(at)
            free = at + refractory + 1
    return fired


def decide(scores: Scores, decider: Decider) -> tuple[int, ...]:
    """What the device decides at each result since a reset: the number of a label, or -1.

    scores: int8 (results, labels), the first output of each result. The first smoothing - 1 results decide nothing.
    """
    decided = np.full(len(scores), -1)
    if len(scores) >= decider.smoothing:
        sums = smoothed_sums(scores, decider.smoothing)
        top = sums.argmax(1)
        reached = sums[np.arange(len(sums)), top] >= np.array(decider.limits)[top]
        for at in with_rests(reached, decider.refractory):
            decided[at + decider.smoothing - 1] = top[at]
    return tuple(decided.tolist())

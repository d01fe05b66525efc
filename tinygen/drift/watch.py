"""Drift in whole numbers: running means of a few statistics of each window, and how far they are from calibration.

Place in the flow: made by fit.py when a model is planned; templates/features/tg_drift.h is the C twin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Int8 = npt.NDArray[np.int8]
Int64 = npt.NDArray[np.int64]

# a running mean moves by 1/32 of what is new, and has 8 bits behind the point
_MEMORY_BITS = 5
_MEAN_BITS = 8
# 1 standard deviation of a window is 1024 steps, of which a mean may be away 8
STEP_BITS = 10
_MOST_STEPS = 8191
MULTIPLIER_BITS = 28
MIX_BITS = 10
_SCORE_BITS = 8
# that are cut off the sum of squares, so that its mean fits 32 bits
_SQUARE_BITS = 4
# all statistics as far away as steps go
MOST_SCORE = (10 * _MOST_STEPS**2) >> _SCORE_BITS


@dataclass(frozen=True, slots=True)
class DriftWatch:
    """What a window's statistics are, and their means on calibration data.

    Statistics: for each group of features the sum of `positions` of the int8 input (those of one group after the
    other, equally many each), then the sum of squares of all these >> 4, and the highest score of the first output.
    `means`: of the statistics, times 2**8. `multipliers`, times 2**28, make steps of differences; `mixing`, times
    2**10, is the lower triangle, row by row, that takes the correlation out of them. The sum of squares / 2**8 of what
    results is the score; above `limit` the watch abstains.
    """

    groups: int
    positions: tuple[int, ...]
    means: tuple[int, ...]
    multipliers: tuple[int, ...]
    mixing: tuple[int, ...]
    limit: int

    @property
    def statistics(self) -> int:
        return self.groups + 2

    @property
    def state_bytes(self) -> int:
        """Static memory: the running means, and the score."""
        return 4 * self.statistics + 4

    @property
    def const_bytes(self) -> int:
        return 2 * (len(self.positions) + len(self.mixing)) + 4 * (len(self.means) + len(self.multipliers))


def window_statistics(inputs: Int8, outputs: Int8, positions: tuple[int, ...], groups: int) -> Int64:
    """(windows, groups + 2) of inputs (windows, elements) and outputs (windows, scores)."""
    seen = inputs[:, list(positions)].astype(np.int64)
    sums = seen.reshape(len(seen), groups, -1).sum(2)
    top = outputs.max(1).astype(np.int64)
    return np.concatenate([sums, ((seen * seen).sum(1) >> _SQUARE_BITS)[:, None], top[:, None]], axis=1)


def first_means(watch: DriftWatch) -> Int64:
    """The running means after a reset."""
    return np.array(watch.means, np.int64)


def next_means(means: Int64, statistics: Int64) -> Int64:
    """The running means (..., statistics) after one more window."""
    return means + (((statistics << _MEAN_BITS) - means) >> _MEMORY_BITS)


def score_of(means: Int64, watch: DriftWatch) -> Int64:
    """How far running means (..., statistics) are from calibration: (...)."""
    away = means - np.array(watch.means, np.int64)
    steps = np.clip((away * np.array(watch.multipliers, np.int64)) >> MULTIPLIER_BITS, -_MOST_STEPS, _MOST_STEPS)
    triangle = np.zeros((watch.statistics, watch.statistics), np.int64)
    triangle[np.tril_indices(watch.statistics)] = watch.mixing
    free = np.clip((steps @ triangle.T) >> MIX_BITS, -_MOST_STEPS, _MOST_STEPS)
    return np.asarray((free * free).sum(-1) >> _SCORE_BITS)


def drift_scores(inputs: Int8, outputs: Int8, watch: DriftWatch) -> tuple[int, ...]:
    """The score behind each window since a reset, as the device has it.

    inputs: (windows, elements), what NAME_invoke() takes; outputs: (windows, scores), the first output.
    """
    means, scores = first_means(watch), []
    for statistics in window_statistics(inputs, outputs, watch.positions, watch.groups):
        means = next_means(means, statistics)
        scores.append(int(score_of(means, watch)))
    return tuple(scores)

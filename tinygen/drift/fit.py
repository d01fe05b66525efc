"""A drift watch from calibration data: which statistics, their means and correlations, and the limit.

Place in the flow: when a model with a table [drift] is planned; pipeline.py brings the calibration windows.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from tinygen.drift.watch import (
    MIX_BITS,
    MOST_SCORE,
    MULTIPLIER_BITS,
    STEP_BITS,
    DriftWatch,
    Int8,
    Int64,
    first_means,
    next_means,
    score_of,
    window_statistics,
)
from tinygen.errors import TinygenError
from tinygen.features.front_end import FrontEnd

LEAST_SAMPLES = 60
_MOST_GROUPS = 8
_LEAST_POSITIONS, _MOST_POSITIONS = 16, 1024
# of correlations, so that no direction without variance counts for too much
_SHRINKAGE = 0.05
# of windows in streams of calibration samples; and what a limit has beyond that, since real streams differ from them
_FALSE_FLAGS, _MARGIN = 1e-4, 1.5
# what is simulated for the limit: splits of the samples into halves, streams at a time, windows of each
_SPLITS, _STREAMS, _WINDOWS = 4, 64, 1000


def choose_positions(frames: int, features: int, macs: int) -> tuple[int, tuple[int, ...]]:
    """(groups, positions) in an input (frames, features) of a model with so many multiply-accumulates.

    As many positions as one percent of the inference's instructions allows, with some to spare: about 7 instructions
    each and 700 for the rest, where a MAC takes 0.8 or more. Always the same.
    """
    groups = min(_MOST_GROUPS, features)
    wanted = min(max(macs // 1250 - 75, _LEAST_POSITIONS), _MOST_POSITIONS)
    edges = [g * features // groups for g in range(groups + 1)]
    least = frames * min(b - a for a, b in pairwise(edges))
    each = min(max(wanted // groups, 1), least)
    rng, positions = np.random.default_rng(0), []
    for a, b in pairwise(edges):
        cells = [f * features + k for f in range(frames) for k in range(a, b)]
        # numbers below 2^15 are read from flash
        below = [cell for cell in cells if cell < 1 << 15]
        positions += sorted(int(cell) for cell in rng.choice(below, each, replace=False))
    return groups, tuple(positions)


def fit_watch(inputs: Int8, outputs: Int8, front: FrontEnd, macs: int) -> DriftWatch:
    """The watch for a device that hears what calibration samples are like.

    inputs: (samples, elements), whole windows; outputs: (samples, scores); macs: of an inference of a whole window.
    A sample stands for what the device sees while it goes by: windows that overlap are the same one several times, and
    a model that streams sees it in pieces. Raises TinygenError for too few samples.
    """
    if len(inputs) < LEAST_SAMPLES:
        raise TinygenError(
            f"a drift watch needs {LEAST_SAMPLES} calibration samples or more, and there are {len(inputs)}",
            "give more with --data or --calibration, or leave [drift] out",
        )
    features, frames = front.definition.features, front.kept
    if frames < front.window:
        pieces = front.window // frames
        windows = inputs[:, -pieces * frames * features :].reshape(len(inputs), pieces, -1)
        macs = macs * frames // front.window
    else:
        pieces = -(-front.window // front.stride)
        windows = np.repeat(inputs[:, None], pieces, axis=1)
    outputs = np.repeat(outputs[:, None], pieces, axis=1)
    groups, positions = choose_positions(frames, features, macs)
    flat_inputs, flat_outputs = (a.reshape(-1, a.shape[-1]) for a in (windows, outputs))
    seen = window_statistics(flat_inputs, flat_outputs, positions, groups).reshape(*windows.shape[:2], -1)
    scores, rng = [], np.random.default_rng(1)
    for split in range(_SPLITS):
        order = rng.permutation(len(seen))
        halves = order[: len(order) // 2], order[len(order) // 2 :]
        for here, there in (halves, halves[::-1]):
            scores.append(_simulated(_fitted(seen[here], groups, positions), seen[there], split))
    limit = int(_MARGIN * np.quantile(np.concatenate(scores), 1 - _FALSE_FLAGS, method="higher"))
    if limit > MOST_SCORE // 4:
        raise TinygenError(
            "calibration samples differ too much among themselves for a drift watch", "give more of them"
        )
    return replace(_fitted(seen, groups, positions), limit=limit)


def _fitted(seen: Int64, groups: int, positions: tuple[int, ...]) -> DriftWatch:
    """Means, deviations and correlations of statistics (samples, consecutive, statistics); the limit is 0."""
    flat = seen.reshape(-1, seen.shape[-1]).astype(np.float64)
    deviation = np.maximum(flat.std(0), 1.0)
    normed = (flat - flat.mean(0)) / deviation
    count = normed.shape[1]
    correlation = (1 - _SHRINKAGE) * (normed.T @ normed) / len(normed) + _SHRINKAGE * np.eye(count)
    inverse: npt.NDArray[np.float64] = np.linalg.inv(np.linalg.cholesky(correlation))
    factor = 2.0 ** (MULTIPLIER_BITS + STEP_BITS - 8)
    return DriftWatch(
        groups=groups,
        positions=positions,
        means=tuple(int(x) for x in np.rint(flat.mean(0) * 256)),
        multipliers=tuple(int(x) for x in np.rint(factor / deviation)),
        mixing=tuple(int(x) for x in np.rint(inverse[np.tril_indices(count)] * 2**MIX_BITS)),
        limit=0,
    )


def _simulated(watch: DriftWatch, seen: Int64, seed: int) -> Int64:
    """The scores in streams of these samples in random order."""
    rng = np.random.default_rng(100 + seed)
    means, scores = np.tile(first_means(watch), (_STREAMS, 1)), []
    for _ in range(-(-_WINDOWS // seen.shape[1])):
        chosen = seen[rng.integers(0, len(seen), _STREAMS)]
        for step in range(seen.shape[1]):
            means = next_means(means, chosen[:, step])
            scores.append(score_of(means, watch))
    return np.concatenate(scores)

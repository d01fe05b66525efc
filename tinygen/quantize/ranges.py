"""Candidates for the range of a tensor: the usual ways to calibrate, on the same measured values.

Place in the flow: improve.py tries them on each group of tensors.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinygen.ir import Array
from tinygen.quantize.measure import Seen

Range = tuple[float, float]
WAYS = ("percentile 99.99", "percentile 99.9", "mse", "entropy")  # beside min-max
_STEPS = 255
_SHRINK = np.concatenate([np.linspace(1, 0.5, 21), np.geomspace(0.45, 0.002, 24)])
_BINS = 2048
_LEVELS = 128  # of the magnitude


def candidates(seen: Sequence[Seen]) -> dict[str, Range]:
    """Ways to calibrate, "" being min-max, each with the range that it finds for tensors that share one.

    Zero is always inside; another way that finds the whole range is left out.
    """
    values = np.concatenate([s.values.reshape(len(s.values), -1) for s in seen], axis=1)
    low, high = _with_zero(min(float(s.low.min()) for s in seen), max(float(s.high.max()) for s in seen))
    found = dict(
        zip(
            WAYS,
            (
                _percentile(values, 0.01),
                _percentile(values, 0.1),
                _least_error(values, (low, high)),
                _least_divergence(values, (low, high)),
            ),
            strict=True,
        )
    )
    return {"": (low, high), **{way: limits for way, limits in found.items() if limits != (low, high)}}


def _percentile(values: Array, rest: float) -> Range:
    """What leaves `rest` percent outside, half of it on each side."""
    low, high = np.percentile(values, (rest / 2, 100 - rest / 2))
    return _with_zero(float(low), float(high))


def scale_of(limits: Range) -> tuple[np.float32, int]:
    """(scale, zero point) of an int8 tensor for a range with zero in it, as the converter computes them."""
    low, high = limits
    scale = np.float32((high - low) / _STEPS)
    if scale == 0:
        return np.float32(1), 0
    zero_point = int(np.clip(np.round(-128 - low / float(scale)), -128, 127))
    return scale, zero_point


def _with_zero(low: float, high: float) -> Range:
    return min(low, 0.0), max(high, 0.0)


def _least_error(values: Array, limits: Range) -> Range:
    """The part of the range with the least error, in dB, averaged over samples: no sample outweighs the others."""
    power = np.maximum((values.astype(np.float64) ** 2).mean(1), 1e-30)

    def error(part: Range) -> float:
        low, high = part
        step = (high - low) / _STEPS
        if step == 0:
            return np.inf
        kept = np.clip(values, low, high)
        noise = ((np.round((kept - low) / step) * step + low - values) ** 2).mean(1)
        return float(np.log10(np.maximum(noise / power, 1e-9)).mean())

    tried = [(limits[0] * a, limits[1] * a) for a in _SHRINK]
    best = min(tried, key=error)
    sides = [(best[0], best[1] * a) for a in _SHRINK] + [(best[0] * a, best[1]) for a in _SHRINK]
    return min([best, *sides], key=error)


def _least_divergence(values: Array, limits: Range) -> Range:
    """The range whose histogram in int8 steps is nearest to the whole one by Kullback-Leibler (as TensorRT has it,
    Migacz 2017), over magnitudes; both sides are cut alike."""
    magnitude = np.abs(values[values != 0])
    most = max(abs(limits[0]), abs(limits[1]))
    if magnitude.size == 0 or most == 0:
        return limits
    counts = np.histogram(magnitude, _BINS, (0, most))[0].astype(np.float64)
    best, least = most, np.inf
    for end in range(_LEVELS, _BINS + 1, _LEVELS // 4):
        kept = counts[:end].copy()
        kept[-1] += counts[end:].sum()
        level = np.arange(end) * _LEVELS // end
        used = counts[:end] > 0
        total, filled = (np.bincount(level, x, _LEVELS) for x in (counts[:end], used))
        spread = np.where(used, (total / np.maximum(filled, 1))[level], 0.0)
        p, q = kept / kept.sum(), spread / max(spread.sum(), 1e-30)
        both = p > 0
        divergence = float((p[both] * np.log(p[both] / np.maximum(q[both], 1e-9))).sum())
        if divergence < least:
            best, least = most * end / _BINS, divergence
    return max(limits[0], -best), min(limits[1], best)

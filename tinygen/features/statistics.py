"""Statistics of windows in whole numbers: the numpy twin of templates/features/tg_statistics.h, to the bit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from tinygen.features.definition import Definition

Int64 = npt.NDArray[np.int64]

_RECIPROCAL_BITS = 30


def reciprocal(window: int) -> int:
    """16 / window in Q30: with it a sum over a window becomes a mean in Q4."""
    return ((16 << _RECIPROCAL_BITS) + window // 2) // window


def statistical_values(frames: Int64, definition: Definition) -> Int64:
    """(frames, window) samples of one channel become (frames, statistics) values in Q4, in the sample's unit."""
    window = definition.window
    total = frames.sum(axis=1)
    squares = (frames * frames).sum(axis=1)
    # a sample is high or low beside the mean, which is not rounded here
    high = frames * window >= total[:, np.newaxis]
    made: dict[str, Callable[[], Int64]] = {
        "mean": lambda: _mean(total, window),
        "std": lambda: _root_mean(squares * window - total * total, window),
        "rms": lambda: _root_mean(squares * window, window),
        "min": lambda: frames.min(axis=1) * 16,
        "max": lambda: frames.max(axis=1) * 16,
        "mean_change": lambda: _mean(np.abs(np.diff(frames, axis=1)).sum(axis=1), window),
        "zero_crossings": lambda: (high[:, 1:] != high[:, :-1]).sum(axis=1) * 16,
    }
    return np.stack([made[name]() for name in definition.statistics], axis=1)


def _mean(total: Int64, window: int) -> Int64:
    """Sums over a window to means in Q4."""
    return np.asarray((total * reciprocal(window) + (1 << (_RECIPROCAL_BITS - 1))) >> _RECIPROCAL_BITS)


def _root_mean(square: Int64, window: int) -> Int64:
    """sqrt(square) / window in Q4, of square < 2**54."""
    shift = _RECIPROCAL_BITS + 4
    return (_square_root(square << 8) * reciprocal(window) + (1 << (shift - 1))) >> shift


def _square_root(x: Int64) -> Int64:
    """The largest whole number whose square is not above x, of x < 2**62, bit by bit."""
    root = np.zeros_like(x)
    for bit in range(30, -1, -1):
        larger = root + (1 << bit)
        root = np.where(larger * larger <= x, larger, root)
    return root

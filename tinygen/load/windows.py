"""Long recordings, of sound or of sensors, are cut into windows of the model's length.

Place in the flow: sounds.py and tables.py say what there is and read it when it is wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tinygen.load.arrays import Array
from tinygen.load.subset import MOST_BYTES, stratified


@dataclass(frozen=True, slots=True)
class Track:
    """A stretch of `frames` frames of one class; `read` gives it as (frames, channels) float32."""

    frames: int
    number: int
    read: Callable[[], Array]


def cut(tracks: Sequence[Track], length: int, hop: int) -> tuple[Array, Array, int]:
    """Windows (N, length, channels), the class of each (N,), and how many there would be without a limit of memory.

    A window begins every `hop` frames; the rest at the end of a track falls away. No track is shorter than that.
    """
    counts = [(track.frames - length) // hop + 1 for track in tracks]
    numbers = np.repeat([track.number for track in tracks], counts)
    ends = np.cumsum(counts)
    channels = tracks[0].read().shape[1]
    chosen = stratified(numbers, len(numbers), max(1, MOST_BYTES // (4 * length * channels)))
    windows = np.empty((len(chosen), length, channels), np.float32)
    for track, count, end in zip(tracks, counts, ends, strict=True):
        first, last = np.searchsorted(chosen, (end - count, end))
        if first == last:
            continue
        values = track.read()
        for row in range(first, last):
            start = (int(chosen[row]) - (end - count)) * hop
            windows[row] = values[start : start + length]
    return windows, numbers[chosen].astype(np.int64), len(numbers)

"""Which of many samples are taken, and how much of the whole they cover.

Place in the flow: the loaders of large collections (images.py, windows.py) and worker.py, which calibrates on a subset.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygen.load.arrays import Array, Samples

MOST_BYTES = 1 << 29  # of float32 samples that are read from a collection


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a subset holds of the whole. ranges: per input, the subset's range over that of the whole, 0 to 1.

    classes, of_classes: how many classes the subset has, and the whole; None where classes are not known.
    """

    samples: int
    of_samples: int
    classes: int | None
    of_classes: int | None
    ranges: tuple[tuple[str, float], ...]

    @property
    def text(self) -> str:
        """In words."""
        found = f"{self.samples:,} of {self.of_samples:,} samples"
        if self.classes is not None:
            found += f", {self.classes} of {self.of_classes} classes"
        return found + "".join(f", {share:.1%} of the range of {name}" for name, share in self.ranges)

    @staticmethod
    def from_json(fields: dict[str, Any] | None) -> Coverage | None:
        if fields is None:
            return None
        return Coverage(**{**fields, "ranges": tuple((name, share) for name, share in fields["ranges"])})


def stratified(classes: Array | None, count: int, most: int) -> Array:
    """Indices, ascending, of at most `most` of `count` samples: of each class its part, at least one, at equal
    distances (files are often sorted); without classes (count,) all at equal distances. Always the same ones."""
    if count <= most:
        return np.arange(count)
    if classes is None:
        return _spread(np.arange(count), most)
    known, sizes = np.unique(classes, return_counts=True)
    if len(known) > most:
        known, sizes = known[_spread(np.arange(len(known)), most)], np.full(most, 1)
    quotas = _quotas(sizes, most)
    parts = [_spread(np.flatnonzero(classes == k), n) for k, n in zip(known, quotas, strict=True)]
    indices: Array = np.sort(np.concatenate(parts))
    return indices


def _spread(members: Array, count: int) -> Array:
    chosen: Array = members[np.linspace(0, len(members) - 1, count).round().astype(int)]
    return chosen


def _quotas(sizes: Array, most: int) -> Array:
    """How many of each class: in proportion, by largest remainder, at least 1, `most` in all."""
    exact = sizes * (most / sizes.sum())
    quotas = np.maximum(1, np.floor(exact)).astype(int)
    while quotas.sum() < min(most, sizes.sum()):
        quotas[np.where(quotas < sizes, exact - quotas, -np.inf).argmax()] += 1
    while quotas.sum() > most:
        quotas[np.where(quotas > 1, quotas - exact, -np.inf).argmax()] -= 1
    found: Array = quotas
    return found


def coverage(whole: Samples, classes: Array | None, chosen: Array) -> Coverage:
    """What the samples `chosen` (indices) hold of all, (N, ...) by input name, with their classes (N,) or None."""
    ranges = []
    for name, array in whole.items():
        span = float(array.max()) - float(array.min())
        part = array[chosen]
        ranges.append((name, (float(part.max()) - float(part.min())) / span if span else 1.0))
    of_classes = None if classes is None else len(np.unique(classes))
    found = None if classes is None else len(np.unique(classes[chosen]))
    return Coverage(len(chosen), len(next(iter(whole.values()))), found, of_classes, tuple(ranges))

"""The constants of a front end, whole numbers made once from float64: what the numpy twin and the C both read.

Place in the flow: definition.py decides what there is; spectrum.py computes by it, render/features.py writes it as C.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tinygen.errors import TinygenError
from tinygen.features.definition import Definition

Int16 = npt.NDArray[np.int16]
Float = npt.NDArray[np.float64]

LOG2_SEGMENTS = 32


@dataclass(frozen=True, slots=True, eq=False)
class SpectrumTables:
    """Of a spectral definition; `counts`, `weights` and `dct` are empty where the kind has none.

    window: (window,) Hann in Q15. twiddles: (fft / 2, 2) Q15 of exp(-2 pi i k / fft). counts: (bands + 1,) bins between
    two neighbouring edges of the mel bands. weights: one for each of these bins, Q15: what of it goes to the upper of
    the two bands that overlap there; the rest goes to the lower. dct: (coefficients, bands) Q15.
    """

    window: Int16
    twiddles: Int16
    first_bin: int
    last_bin: int
    counts: Int16
    weights: Int16
    dct: Int16


@functools.cache
def spectrum_tables(definition: Definition) -> SpectrumTables:
    """The tables of a definition of a spectral kind; raises TinygenError where a mel band would have no bin."""
    d = definition
    angle = 2.0 * np.pi * np.arange(d.fft // 2) / d.fft
    window = _q15(0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(d.window) / d.window))
    twiddles = _q15(np.stack([np.cos(angle), -np.sin(angle)], axis=1))
    first, last = d.bins
    counts, weights, dct = (np.zeros(0, np.int16) for _ in range(3))
    if d.bands:
        edges = np.linspace(float(_mel(np.array(d.low_hz))), float(_mel(np.array(d.high_hz))), d.bands + 2)
        mels = _mel(np.arange(first, last + 1, dtype=np.float64) * (d.rate / d.fft))
        # the bins at low_hz and high_hz themselves have no weight in any band
        interval = np.clip(np.searchsorted(edges, mels, "right") - 1, 0, d.bands)
        counts = np.bincount(interval, minlength=d.bands + 1).astype(np.int16)
        weights = _q15(np.clip((mels - edges[interval]) / (edges[interval + 1] - edges[interval]), 0.0, 1.0))
        _need_bins(d, interval, weights)
    if d.coefficients:
        order, band = np.arange(d.coefficients)[:, np.newaxis], np.arange(d.bands)
        dct = _q15(np.cos(np.pi * order * (band + 0.5) / d.bands) * np.sqrt(2.0 / d.bands))
    return SpectrumTables(window, twiddles, first, last, counts, weights, dct)


def _need_bins(d: Definition, interval: npt.NDArray[np.intp], weights: Int16) -> None:
    for band in range(d.bands):
        rising, falling = interval == band, interval == band + 1
        if not weights[rising].any() and not (32767 - weights[falling]).any():
            raise TinygenError(
                f"band {band} of {d.bands} has no frequency of an fft of {d.fft} points",
                "take fewer bands, a larger low_hz, or more points (fft)",
            )


def _mel(hertz: Float) -> Float:
    """Frequency on the mel scale (O'Shaughnessy; as in HTK and TensorFlow)."""
    return np.asarray(1127.0 * np.log1p(hertz / 700.0))


def _q15(values: Float) -> Int16:
    """Numbers from -1 to 1 times 2**15; 1 itself becomes 32767 / 32768."""
    return np.clip(np.round(values * 32768.0), -32768, 32767).astype(np.int16)


@functools.cache
def log2_table() -> Int16:
    """(LOG2_SEGMENTS + 1,): log2(1 + i / LOG2_SEGMENTS) in Q14, as templates/features/tg_log2.h has it."""
    return np.round(np.log2(1.0 + np.arange(LOG2_SEGMENTS + 1) / LOG2_SEGMENTS) * 16384.0).astype(np.int16)

"""Spectrogram, log-mel and MFCC in whole numbers: the numpy twin of templates/features/tg_spectrum.h, to the bit.

Every array holds many frames; all of it is int64 whose values stay within the C's types.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tinygen.features.definition import Definition
from tinygen.features.tables import LOG2_SEGMENTS, SpectrumTables, log2_table, spectrum_tables

Int64 = npt.NDArray[np.int64]
Complex = tuple[Int64, Int64]


def spectral_values(frames: Int64, definition: Definition) -> Int64:
    """(frames, window) samples of one channel become (frames, features_per_channel) values in Q10.

    Spectrogram and log-mel: log2 of the power, of which 1 is the square of a sample of 1; 0 where it is below that.
    MFCC: the DCT-II of the log-mel times sqrt(2 / bands), as TensorFlow scales it.
    """
    tables = spectrum_tables(definition)
    power, exponent = power_spectrum(frames, definition.fft, tables)
    if definition.kind == "spectrogram":
        return _log2(power[:, tables.first_bin : tables.last_bin + 1], exponent)
    bands = _log2(_mel_bands(power, tables), exponent)
    if definition.kind == "log_mel":
        return bands
    return np.asarray((bands @ tables.dct.T.astype(np.int64) + (1 << 14)) >> 15)


def power_spectrum(frames: Int64, points: int, tables: SpectrumTables) -> Complex:
    """(frames, points / 2 + 1) powers p below 2**61, and (frames, 1) exponents e: the power is p * 2**e."""
    windowed = np.zeros((len(frames), points), np.int64)
    windowed[:, : frames.shape[1]] = frames * tables.window
    # the largest gets 30 bits, so that quiet sounds keep theirs
    used = np.bitwise_or.reduce(windowed ^ (windowed >> 63), axis=1, keepdims=True)
    shift = np.where(used == 0, 0, 30 - _bit_length(used))
    windowed <<= shift
    twiddles = tables.twiddles.astype(np.int64)
    order = _bit_reversed(points // 2)
    power = _split(*_fft(windowed[:, 0::2][:, order], windowed[:, 1::2][:, order], twiddles), twiddles)
    return power, 2 * (points.bit_length() - 1) - 30 - 2 * shift


def _fft(re: Int64, im: Int64, twiddles: Int64) -> Complex:
    """(frames, m) numbers in bit-reversed order become their DFT / m: every stage halves, rounding down."""
    frames, m = re.shape
    half = 1
    while half < m:
        shape = (frames, m // (2 * half), 2, half)
        re, im = re.reshape(shape), im.reshape(shape)
        tr, ti = _turned(re[:, :, 1], im[:, :, 1], half, twiddles)
        ar, ai = re[:, :, 0] >> 1, im[:, :, 0] >> 1
        re, im = np.stack([ar + tr, ar - tr], axis=2), np.stack([ai + ti, ai - ti], axis=2)
        half *= 2
    return re.reshape(frames, m), im.reshape(frames, m)


def _turned(re: Int64, im: Int64, half: int, twiddles: Int64) -> Complex:
    """Half of the products with exp(-pi i j / half), j the last axis; the first two stages need no multiplication."""
    if half > 2:
        w = twiddles[:: len(twiddles) // half]
        return _product(re, im, w)
    tr, ti = re >> 1, im >> 1
    if half == 2:
        tr[..., 1], ti[..., 1] = im[..., 1] >> 1, -(re[..., 1] >> 1)
    return tr, ti


def _product(re: Int64, im: Int64, w: Int64) -> Complex:
    """Half of the complex products with w, (n, 2) in Q15; each of the four products is rounded down."""
    c, s = w[:, 0], w[:, 1]
    return ((re * c) >> 16) - ((im * s) >> 16), ((re * s) >> 16) + ((im * c) >> 16)


def _split(re: Int64, im: Int64, twiddles: Int64) -> Int64:
    """From the DFT of even samples + i * odd ones, (frames, m), the powers of all m + 1 bins of the real signal's."""
    m = re.shape[1]
    re, im = re >> 1, im >> 1
    power = np.empty((len(re), m + 1), np.int64)
    power[:, 0], power[:, m] = (re[:, 0] + im[:, 0]) ** 2, (re[:, 0] - im[:, 0]) ** 2
    power[:, m // 2] = re[:, m // 2] ** 2 + im[:, m // 2] ** 2
    low, high = slice(1, m // 2), slice(m - 1, m // 2, -1)
    er, ei = (re[:, low] + re[:, high]) >> 1, (im[:, low] - im[:, high]) >> 1
    odd_re, odd_im = re[:, low] - re[:, high], im[:, low] + im[:, high]
    tr, ti = _product(odd_im, -odd_re, twiddles[1 : m // 2])
    power[:, low] = (er + tr) ** 2 + (ei + ti) ** 2
    power[:, high] = (er - tr) ** 2 + (ei - ti) ** 2
    return power


def _mel_bands(power: Int64, tables: SpectrumTables) -> Int64:
    """(frames, bands) sums of weighted powers: each bin belongs to two bands, one weight and what is missing to 1."""
    scaled = power[:, tables.first_bin : tables.last_bin + 1] >> 15
    rising = scaled * tables.weights
    falling = (scaled << 15) - rising
    bands = len(tables.counts) - 1
    sums = np.zeros((len(power), bands + 2), np.int64)
    at = 0
    for interval, count in enumerate(tables.counts.tolist()):
        sums[:, interval + 1] += rising[:, at : at + count].sum(axis=1)
        sums[:, interval] += falling[:, at : at + count].sum(axis=1)
        at += count
    return sums[:, 1:-1]


def _log2(x: Int64, exponent: Int64) -> Int64:
    """log2(x * 2**exponent) in Q10, of x >= 0; 0 where that is below 1. Between 33 points a line: wrong by 0.0003."""
    bits = _bit_length(x)
    mantissa = np.where(bits > 32, x >> np.maximum(bits - 32, 0), x << np.maximum(32 - bits, 0))
    segment, fraction = (mantissa >> 26) & (LOG2_SEGMENTS - 1), (mantissa >> 10) & 0xFFFF
    table = log2_table().astype(np.int64)
    low = table[segment]
    value = ((bits - 1 + exponent) << 14) + low + (((table[segment + 1] - low) * fraction) >> 16)
    return np.where((x == 0) | (value < 0), 0, (value + 8) >> 4)


def _bit_length(x: Int64) -> Int64:
    """Bits of numbers from 0 to 2**63 - 1."""
    bits, rest = np.zeros_like(x), x.copy()
    for step in (32, 16, 8, 4, 2, 1):
        large = (rest >> step) != 0
        bits += np.where(large, step, 0)
        rest = np.where(large, rest >> step, rest)
    return np.asarray(bits + (rest != 0))


def _bit_reversed(m: int) -> npt.NDArray[np.intp]:
    """The numbers below m, a power of two, with their bits in reverse order."""
    order = np.zeros(1, np.intp)
    while len(order) < m:
        order = np.concatenate([2 * order, 2 * order + 1])
    return order

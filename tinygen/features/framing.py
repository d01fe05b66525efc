"""Samples to features: framing, the kinds, and the two forms of the result, float32 for training and int8 for a model.

Place in the flow: a training script calls `compute`; the reference of a generated project calls `quantize_values`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from tinygen.errors import TinygenError
from tinygen.features.definition import Definition
from tinygen.features.folding import Folding
from tinygen.features.spectrum import spectral_values
from tinygen.features.statistics import statistical_values

Int64 = npt.NDArray[np.int64]
Samples = npt.NDArray[np.int16]

# frames computed at once: some 20 MB of int64 for windows of 512 samples
_SAMPLES_AT_ONCE = 1 << 19


def compute(samples: Samples, definition: Definition) -> npt.NDArray[np.float32]:
    """The features of recordings, as the device computes them: (value / 2**fraction_bits - offset) / scale.

    samples: int16, (time,) or (recordings, time); of several channels (time, channels) or (recordings, time, channels).
    Returns (frames, features) or (recordings, frames, features); frame k begins at sample k * hop, and of the last
    samples those that fill no window are not used. Raises TinygenError for another type or shape, or where not one
    window is full.
    """
    values = fixed_values(samples, definition) / float(1 << definition.fraction_bits)
    offset, scale = (_for_each(x, definition) for x in (definition.offset, definition.scale))
    return np.asarray((values - offset) / scale, np.float32)


def _for_each(numbers: tuple[float, ...], definition: Definition) -> npt.NDArray[np.float64]:
    """One number for each feature of a frame."""
    return np.tile(np.broadcast_to(numbers, definition.features_per_channel), definition.channels)


def fixed_values(samples: Samples, definition: Definition) -> Int64:
    """The same as the whole numbers that the device has, before offset and scale."""
    d = definition
    axes = check_samples(samples, d)
    recordings = samples.reshape(-1, samples.shape[samples.ndim - axes], d.channels)
    # (recordings, frames, channels, window), a view
    framed = np.lib.stride_tricks.sliding_window_view(recordings, d.window, axis=1)[:, :: d.hop]
    each = max(1, _SAMPLES_AT_ONCE // framed[0].size)
    parts = (framed[at : at + each] for at in range(0, len(framed), each))
    values = np.concatenate([_in_parts(part.reshape(-1, d.window), d) for part in parts])
    shape = (*samples.shape[: samples.ndim - axes], framed.shape[1], d.features)
    return values.reshape(shape)


def check_samples(samples: Samples, definition: Definition) -> int:
    """Raise TinygenError for another type or shape; returns the number of axes that one recording has."""
    d = definition
    axes = 1 if d.channels == 1 else 2
    if samples.dtype != np.int16:
        raise TinygenError(
            f"samples are {samples.dtype}, not int16", "of floats between -1 and 1: (x * 32767).astype(numpy.int16)"
        )
    if samples.ndim not in (axes, axes + 1) or (d.channels > 1 and samples.shape[-1] != d.channels):
        expected = "(time,)" if d.channels == 1 else f"(time, {d.channels})"
        raise TinygenError(f"samples have the shape {samples.shape}", f"give {expected}, or that behind an axis more")
    if samples.shape[samples.ndim - axes] < d.window:
        length = samples.shape[samples.ndim - axes]
        raise TinygenError(f"{length:,} samples do not fill a window of {d.window:,}", "give longer recordings")
    return axes


def _in_parts(frames: Samples, definition: Definition) -> Int64:
    each = max(1, _SAMPLES_AT_ONCE // definition.window)
    return np.concatenate([_values(frames[at : at + each], definition) for at in range(0, len(frames), each)])


def _values(frames: Samples, definition: Definition) -> Int64:
    kind: Callable[[Int64, Definition], Int64]
    kind = statistical_values if definition.kind == "statistics" else spectral_values
    return kind(frames.astype(np.int64), definition)


def quantize_values(values: Int64, folding: Folding) -> npt.NDArray[np.int8]:
    """Values (..., features) of `fixed_values` as a model's int8 input: the device's last step, to the bit."""
    repeat = values.shape[-1] // len(folding.multipliers)
    multipliers, addends = (np.tile(np.array(x, np.int64), repeat) for x in (folding.multipliers, folding.addends))
    return np.asarray(np.clip((values * multipliers + addends) >> folding.shift, -128, 127), np.int8)

"""A folder of .wav files becomes windows of raw samples, or of the features that a table makes of them.

Place in the flow: data.py calls it; featured.py makes the features.
"""

from __future__ import annotations

import struct
import wave
from functools import partial
from pathlib import Path

import numpy as np

from tinygen.errors import TinygenError
from tinygen.load.arrays import Array, Shape, sample_shape, shape_text
from tinygen.load.featured import OPTION, features_of, samples_needed, table_of
from tinygen.load.folders import Folder, Gathered
from tinygen.load.spec import Spec
from tinygen.load.subset import MOST_BYTES
from tinygen.load.windows import Track, cut

_BROKEN = (wave.Error, EOFError, OSError, struct.error, RuntimeError, ValueError, ZeroDivisionError, MemoryError)
_SAVE = "save it as 16-bit PCM, for example: sox IN.wav -b 16 OUT.wav"


def load_sounds(folder: Folder, spec: Spec, shape: Shape) -> Gathered:
    """Windows of sound in the shape of the input's samples, float32.

    Options: hop=N samples from one window to the next (default: a window's length), scale=LOW..HIGH for the full scale
    (default -1..1), rate=HZ that every file must have; or features=TABLE, which says the rate and what is made of the
    samples. Channels are averaged. Raises TinygenError.
    """
    table = table_of(spec)
    if table is not None:
        spec.need_only("hop", OPTION)
        length = samples_needed(table, shape)
        windows, numbers, total = raw_windows(folder, length, spec.whole("hop", length), table.rate)
        return _gathered(folder, features_of(np.rint(windows * 32768), table, shape, folder.name), numbers, total)
    spec.need_only("hop", "scale", "rate", OPTION)
    sample = sample_shape(shape)
    known = [d for d in sample if d is not None]
    if len(known) < len(sample) or max(known, default=0) != int(np.prod(known)):
        raise TinygenError(
            f"the model's input {shape_text(shape)} is not raw sound, and {folder.name} is a folder of recordings",
            "say how they become features: --data DIR,features=TABLE (docs/features.md); or give an .npz",
        )
    low, high = spec.scale("-1..1")
    rate = spec.whole("rate", 16000) if "rate" in spec.options else None
    windows, numbers, total = raw_windows(folder, max(known), spec.whole("hop", max(known)), rate)
    values = windows * np.float32((high - low) / 2) + np.float32((high + low) / 2)
    return _gathered(folder, values.reshape(-1, *known), numbers, total)


def _gathered(folder: Folder, values: Array, numbers: Array, total: int) -> Gathered:
    some = "" if len(values) == total else f"{len(values)} of "
    source = f"{some}{total} windows of {folder.name} ({len(folder.files)} files)"
    return Gathered(values, numbers if folder.numbers else None, folder.labels, source)


def raw_windows(folder: Folder, length: int, hop: int, rate: int | None) -> tuple[Array, Array, int]:
    """(windows (N, length, 1) from -1 to below 1, classes (N,), how many there are in all). Files that are shorter than
    a window get zeros behind. rate: in Hz, None for any, but the same for all. Raises TinygenError."""
    tracks = []
    for i, path in enumerate(folder.files):
        frames, found = _header(path)
        rate = rate or found
        if found != rate:
            raise TinygenError(f"{path.name} has {found} Hz, not {rate}", "resample it, or leave it out")
        number = folder.numbers[i] if folder.numbers else 0
        tracks.append(Track(max(frames, length), number, partial(_sound, path, length)))
    return cut(tracks, length, hop)


def _header(path: Path) -> tuple[int, int]:
    """(frames, Hz) of a file."""
    try:
        with wave.open(str(path), "rb") as file:
            frames, rate, width = file.getnframes(), file.getframerate(), file.getsampwidth()
    except _BROKEN as error:
        raise _unreadable(path, error) from error
    if width > 4:
        raise _unreadable(path, ValueError(f"{8 * width} bits a sample"))
    if frames == 0:
        raise TinygenError(f"{path.parent.name}/{path.name} has no sound", "remove it, or record it again")
    return frames, rate


def _sound(path: Path, least: int) -> Array:
    """(frames, 1) float32 from -1 to below 1, at least so many frames."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise TinygenError(f"{path.name} is larger than {MOST_BYTES >> 20} MB", "cut it into pieces")
        with wave.open(str(path), "rb") as file:
            width, channels, frames = file.getsampwidth(), file.getnchannels(), file.getnframes()
            content = file.readframes(frames)
    except _BROKEN as error:
        raise _unreadable(path, error) from error
    there = len(content) // (width * channels)
    if there < frames:
        raise TinygenError(
            f"{path.name} is cut off: its header tells of {frames} frames, {there} are there",
            "record or download it again",
        )
    mono = _numbers(content, width).reshape(-1, channels).mean(1, dtype=np.float32)
    return np.pad(mono, (0, max(0, least - len(mono)))).reshape(-1, 1)


def _numbers(content: bytes, width: int) -> Array:
    """PCM as float32 from -1 to below 1; width: bytes of a sample."""
    if width == 1:  # the only one without a sign
        steps: Array = np.frombuffer(content, np.uint8).astype(np.float32) - 128
    elif width == 3:
        padded = np.zeros((len(content) // 3, 4), np.uint8)
        padded[:, 1:] = np.frombuffer(content, np.uint8).reshape(-1, 3)
        steps = padded.view("<i4")[:, 0].astype(np.float32) / 256
    else:
        steps = np.frombuffer(content, f"<i{width}").astype(np.float32)
    values: Array = steps / np.float32(2 ** (8 * width - 1))
    return values


def _unreadable(path: Path, error: BaseException) -> TinygenError:
    said = " ".join(str(error).split())[:120] or "it ends too soon"
    return TinygenError(f"{path.parent.name}/{path.name} is no PCM .wav file: {said}", _SAVE)

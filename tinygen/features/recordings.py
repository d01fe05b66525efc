"""Recordings from files, as the samples that a definition asks for. Files are untrusted."""

from __future__ import annotations

import struct
import warnings
import wave
from pathlib import Path

import numpy as np

from tinygen.errors import TinygenError
from tinygen.features.definition import Definition
from tinygen.features.framing import Samples, check_samples
from tinygen.load.arrays import open_arrays

_LARGEST_FILE = 1 << 30


def read_samples(path: Path, definition: Definition) -> Samples:
    """The samples of a .wav (16-bit PCM) or a .npy (int16), (time,) or with its channels as the last axis.

    Raises TinygenError for another format, another rate than the definition's, another number of channels, or less than
    a window of samples.
    """
    if not path.is_file():
        raise TinygenError(f"there is no file {path}", "give a .wav or an .npy")
    if path.stat().st_size > _LARGEST_FILE:
        raise TinygenError(f"{path} is larger than a gigabyte", "cut it into pieces")
    samples = _of_array(path) if path.suffix == ".npy" else _of_wav(path, definition)
    try:
        check_samples(samples, definition)
    except TinygenError as error:
        raise TinygenError(f"{path}: {error}", error.hint) from error
    return samples


def _of_array(path: Path) -> Samples:
    with warnings.catch_warnings(), open_arrays(path) as file:
        warnings.simplefilter("ignore")  # numpy warns of odd headers; only the content counts here
        if file.single is None:
            raise TinygenError(f"{path} is an .npz file", "give an .npy with one array of int16")
        return file.single


def _of_wav(path: Path, definition: Definition) -> Samples:
    try:
        with wave.open(str(path), "rb") as reader:
            width, rate, channels = reader.getsampwidth(), reader.getframerate(), reader.getnchannels()
            content = reader.readframes(min(reader.getnframes(), path.stat().st_size))
    except (OSError, EOFError, MemoryError, RuntimeError, wave.Error, struct.error) as error:
        reason = str(error) or "it ends too early"
        raise TinygenError(f"{path} cannot be read: {reason}", "give a .wav of 16-bit PCM") from error
    if width != 2:
        raise TinygenError(f"{path} has {8 * width} bits a sample, not 16", "convert it: sox IN -b 16 OUT")
    if rate != definition.rate:
        raise TinygenError(
            f"{path} has {rate} samples a second, not {definition.rate}", f"convert it: sox IN -r {definition.rate} OUT"
        )
    if channels != definition.channels:
        raise TinygenError(f"{path} has {channels} channels, not {definition.channels}", "convert it: sox IN -c N OUT")
    samples = np.frombuffer(content[: len(content) // (2 * channels) * 2 * channels], "<i2").astype(np.int16)
    return samples if channels == 1 else samples.reshape(-1, channels)

"""Front ends to test with: definitions of every kind, models that give back their input, and sounds."""

from __future__ import annotations

import functools
import io
import shutil
import subprocess
import wave
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.support.tflite_builder import ModelBuilder
from tinygen.features import Definition, definition_of

Samples = npt.NDArray[np.int16]

_SPEECH = {"rate": 16000, "window": 480, "hop": 320, "low_hz": 20, "high_hz": 4000}
TABLES: dict[str, dict[str, Any]] = {
    "log_mel": {**_SPEECH, "kind": "log_mel", "bands": 40, "offset": 20, "scale": 8},
    "mfcc": {
        **_SPEECH, "kind": "mfcc", "bands": 40, "coefficients": 10, "offset": [90, *[0] * 9], "scale": [30, *[5] * 9]
    },
    "spectrogram": {"kind": "spectrogram", "rate": 16000, "window": 255, "hop": 255, "offset": 12, "scale": 6},
    "vibration": {
        "kind": "spectrogram", "rate": 400, "window": 64, "hop": 16, "channels": 3, "low_hz": 10, "high_hz": 150
    },
    "statistics": {
        "kind": "statistics", "rate": 100, "window": 50, "hop": 25, "channels": 3, "scale": [9000.0] * 6 + [20.0],
        "statistics": ["mean", "std", "rms", "min", "max", "mean_change", "zero_crossings"],
    },
    "longest": {"kind": "log_mel", "rate": 48000, "window": 4096, "hop": 2048, "bands": 64, "low_hz": 100},
    "shortest": {"kind": "spectrogram", "rate": 1000, "window": 16, "hop": 1},
}  # fmt: skip


def definition(name: str, **changed: Any) -> Definition:
    """One of TABLES, with keys changed."""
    return definition_of({**TABLES[name], **changed})


def echo_model(frames: int, features: int, scale: float = 0.03, zero_point: int = -5) -> bytes:
    """An int8 model (1, frames, features) whose output is its input: the larger of it and -128."""
    b = ModelBuilder()
    x, y = (b.input((1, frames, features), scale, zero_point), b.tensor((1, frames, features), scale, zero_point))
    b.op("MAXIMUM", [x, b.constant(np.array([-128], np.int8), scale, zero_point)], [y])
    return b.build([y])


def noise(count: int, channels: int = 1, seed: int = 0) -> Samples:
    """Everything that samples can be: stretches of silence, single steps, noise of any loudness, full-scale edges."""
    rng = np.random.default_rng(seed)
    parts = [_stretch(rng, (200, channels)) for _ in range(-(-count // 200))]
    samples = np.clip(np.concatenate(parts)[:count], -32768, 32767).astype(np.int16)
    return samples[:, 0] if channels == 1 else samples


def _stretch(rng: np.random.Generator, shape: tuple[int, int]) -> npt.NDArray[np.float64]:
    loud = 2.0 ** rng.uniform(-2, 15.5)
    kind = rng.integers(7)
    if kind == 0:
        return np.full(shape, rng.choice([0.0, 1.0, -32768.0]))
    if kind == 1:
        return rng.choice([-32768.0, 32767.0], shape)
    if kind == 2:
        return rng.integers(-1, 2, shape).astype(np.float64)
    if kind < 5:
        return loud * np.sin(np.arange(shape[0])[:, None] * rng.uniform(0, np.pi, shape[1]))
    return rng.normal(0, loud, shape)


@functools.cache
def speech() -> Samples:
    """Some seconds of speech at 16 kHz by espeak-ng; without it something with the same envelopes."""
    if shutil.which("espeak-ng") is None:
        return _babble()
    text = "the quick brown fox jumps over the lazy dog, and seven wizards vex him with their zigzag lute"
    content = subprocess.run(["espeak-ng", "--stdout", text], capture_output=True, check=True).stdout
    with wave.open(io.BytesIO(content)) as reader:
        rate = reader.getframerate()
        said = np.frombuffer(reader.readframes(reader.getnframes()), "<i2").astype(np.float64)
    at = np.arange(int(len(said) * 16000 / rate)) * (rate / 16000)
    return np.interp(at, np.arange(len(said)), said).astype(np.int16)


def _babble() -> Samples:
    """Vowels: harmonics of a gliding pitch under moving formants, syllable by syllable, in a little noise."""
    rng, time = np.random.default_rng(7), np.arange(16000 * 5) / 16000
    phase = 2 * np.pi * np.cumsum(120 + 30 * np.sin(2 * np.pi * 0.7 * time)) / 16000
    formant = 900 + 500 * np.sin(2 * np.pi * 1.3 * time)
    voice = sum(np.sin(k * phase) * np.exp(-((k * 120 - formant) ** 2) / 4e5) for k in range(1, 33))
    syllables = np.maximum(np.sin(2 * np.pi * 3.1 * time), 0.0) ** 2
    return np.asarray(8000 * syllables * voice / 4 + rng.normal(0, 20, len(time)), np.int16)

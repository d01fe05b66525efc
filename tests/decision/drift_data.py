"""Speech of two sets of espeak-ng's voices, as recordings without end for a drift watch to hear."""

from __future__ import annotations

import functools
import io
import shutil
import subprocess
import wave

import numpy as np
import numpy.typing as npt

from tests.support.feature_models import Samples

HAS_ESPEAK = shutil.which("espeak-ng") is not None
MEN = ("m1", "m2", "m3", "m4", "m6", "m7", "m8")
WOMEN = ("f1", "f2", "f3", "f4", "f5")
WORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go", "seven", "zero", "house", "marvin")
SECOND = 16000


@functools.cache
def said(word: str, voice: str, speed: int, pitch: int) -> npt.NDArray[np.float64]:
    """A word at 16 kHz, of the voice's own loudness."""
    options = ["-v", f"en+{voice}", "-s", str(speed), "-p", str(pitch)]
    content = subprocess.run(["espeak-ng", *options, "--stdout", word], capture_output=True, check=True).stdout
    with wave.open(io.BytesIO(content)) as reader:
        rate = reader.getframerate()
        samples = np.frombuffer(reader.readframes(reader.getnframes()), "<i2").astype(np.float64)
    at = np.arange(int(len(samples) * SECOND / rate)) * (rate / SECOND)
    return np.asarray(np.interp(at, np.arange(len(samples)), samples), np.float64)


def clips(
    voices: tuple[str, ...], count: int, seed: int, gain: float = 1.0, noise: float = 60.0
) -> npt.NDArray[np.int16]:
    """(count, 16000): a second each with a word somewhere, in noise of this deviation; loudness varies by 6 dB."""
    rng, made = np.random.default_rng(seed), []
    for _ in range(count):
        word = said(
            str(rng.choice(WORDS)), str(rng.choice(voices)), int(rng.choice([140, 175])), int(rng.choice([40, 60]))
        )
        clip = rng.normal(0, noise, SECOND)
        at = int(rng.integers(-2000, 6000))
        part = word[: SECOND - max(at, 0)][max(-at, 0) :]
        clip[max(at, 0) : max(at, 0) + len(part)] += part * 2.0 ** rng.uniform(-1.5, -0.5)
        made.append(clip * gain)
    return np.clip(np.stack(made), -32768, 32767).astype(np.int16)


def stream(voices: tuple[str, ...], seconds: int, seed: int, gain: float = 1.0, noise: float = 60.0) -> Samples:
    """The same one behind the other."""
    return clips(voices, seconds, seed, gain, noise).reshape(-1)

"""Recordings of words, spoken by espeak-ng.

First step of the flow speech -> clips -> mfcc (joined by dataset), then ds_cnn. espeak-ng speaks at
22,050 Hz; resample() brings that to SAMPLE_RATE.
"""

import io
import shutil
import subprocess
import wave
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from vocabulary import ACCENTS, KEYWORDS, TEST_VARIANTS, TRAIN_VARIANTS, UNKNOWN

SAMPLE_RATE = 16_000

Signal = NDArray[np.float64]
"""Mono sound at SAMPLE_RATE, any length; full scale is 1."""

WORDS_PER_MINUTE = (120, 220)
PITCH = (25, 76)
TAPE_SPEED = (0.88, 1.14)


@dataclass(frozen=True, slots=True)
class Utterance:
    """One word as it is to be recorded."""

    word: str
    label: str
    voice: str
    words_per_minute: int
    pitch: int
    """espeak-ng's 0 to 99; 50 is the voice's own."""
    tape_speed: float
    """Above 1 the recording is played faster, which makes a smaller speaker."""


def plan_utterances(
    rng: np.random.Generator,
    variants: tuple[str, ...],
    unknown: tuple[str, ...],
    recordings_per_keyword: int,
    unknown_recordings: int,
) -> tuple[Utterance, ...]:
    """What to record: every keyword `recordings_per_keyword` times and `unknown_recordings` other words.

    Variants and unknown words take turns, in random order, so that all are heard about equally often;
    accent, speed and pitch are drawn at random.
    """
    words = [(word, word) for word in KEYWORDS for _ in range(recordings_per_keyword)]
    words += [(unknown[i % len(unknown)], UNKNOWN) for i in range(unknown_recordings)]
    rounds = -(-len(words) // len(variants))
    turns = [variants[i] for _ in range(rounds) for i in rng.permutation(len(variants))]
    return tuple(
        Utterance(
            word=word,
            label=label,
            voice=f"{rng.choice(ACCENTS)}+{variant}",
            words_per_minute=int(rng.integers(*WORDS_PER_MINUTE)),
            pitch=int(rng.integers(*PITCH)),
            tape_speed=float(rng.uniform(*TAPE_SPEED)),
        )
        for (word, label), variant in zip(words, turns[: len(words)], strict=True)
    )


def record(voice: str, text: str, *options: str) -> bytes:
    """What espeak-ng says, as a WAV file."""
    command = ["espeak-ng", "-v", voice, *options, "--stdout", text]
    return subprocess.run(command, capture_output=True, check=True).stdout


def check_voices(pool: Executor) -> None:
    """Raise SystemExit with a one-line message when espeak-ng or one of the voices is missing.

    espeak-ng replaces a voice it does not know by another one and says nothing, which would put voices of
    the test into the training: so every voice has to sound different from all others and from the plain
    accents.
    """
    if shutil.which("espeak-ng") is None:
        raise SystemExit("espeak-ng is missing: install it (Debian, Ubuntu: sudo apt-get install espeak-ng)")
    variants = (*TRAIN_VARIANTS, *TEST_VARIANTS)
    voices = (*ACCENTS, *(f"{accent}+{variant}" for accent in ACCENTS for variant in variants))
    sounds = pool.map(lambda voice: record(voice, "stop right there"), voices)
    first: dict[bytes, str] = {}
    for voice, sound in zip(voices, sounds, strict=True):
        twin = first.setdefault(sound, voice)
        if twin != voice:
            raise SystemExit(f"this espeak-ng speaks {voice} just as {twin}: install espeak-ng 1.51")


def resample(signal: Signal, rate: float) -> Signal:
    """The signal at SAMPLE_RATE instead of `rate` Hz, by cutting its spectrum (an ideal low pass)."""
    length = round(len(signal) * SAMPLE_RATE / rate)
    spectrum = np.fft.rfft(signal)[: length // 2 + 1]
    resampled: Signal = np.fft.irfft(spectrum, length) * (length / len(signal))
    return resampled


def trim(signal: Signal, threshold: float = 0.01) -> Signal:
    """The signal without what is quieter than `threshold` times its peak at both ends."""
    loud = np.flatnonzero(np.abs(signal) > threshold * np.abs(signal).max())
    return signal[loud[0] : loud[-1] + 1]


def speak(utterance: Utterance) -> Signal:
    """The spoken word without the silence around it; how loud it is is left to the voice."""
    options = ("-s", str(utterance.words_per_minute), "-p", str(utterance.pitch))
    with wave.open(io.BytesIO(record(utterance.voice, utterance.word, *options))) as reader:
        rate = reader.getframerate()
        samples = np.frombuffer(reader.readframes(reader.getnframes()), dtype="<i2")
    return trim(resample(samples / 32768.0, rate * utterance.tape_speed))

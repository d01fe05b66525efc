"""Clips: a recorded word somewhere in one second of background noise, heard by some microphone.

Second step of the flow speech -> clips -> mfcc (joined by dataset), then ds_cnn.
"""

import numpy as np
from speech import SAMPLE_RATE, Signal

CLIP_SAMPLES = SAMPLE_RATE
SNR_DB = (12.0, 35.0)
LOUDNESS_DB = (-40.0, -20.0)
"""RMS of the word (of a clip without one: what it would be), 0 dB being full scale."""
BABBLE_SHARE = 0.4
BABBLE_WORDS = 12
RESPONSE_DB = 6.0


def rms(signal: Signal) -> float:
    return float(np.sqrt(np.mean(np.square(signal))))


def decibels(value: float) -> float:
    """The factor on an amplitude that `value` dB are."""
    return float(10.0 ** (value / 20.0))


def coloured_noise(rng: np.random.Generator, slope: float) -> Signal:
    """Noise whose power falls as frequency ** -slope: 0 is white, 1 pink, 2 brown. RMS is 1."""
    spectrum = np.fft.rfft(rng.standard_normal(CLIP_SAMPLES))
    spectrum /= np.maximum(np.arange(len(spectrum)), 20) ** (slope / 2)
    noise = np.fft.irfft(spectrum, CLIP_SAMPLES)
    return noise / rms(noise)


def place(rng: np.random.Generator, word: Signal) -> Signal:
    """The word at a random place in a silent clip; of a word longer than the clip, a random part."""
    room = CLIP_SAMPLES - len(word)
    start = int(rng.integers(min(room, 0), max(room, 0) + 1))
    return np.pad(word[max(-start, 0) :][:CLIP_SAMPLES], (max(start, 0), max(room - start, 0)))


def babble(rng: np.random.Generator, recordings: tuple[Signal, ...]) -> Signal:
    """Many people talking at once: words on top of each other, each at its own place. RMS is 1."""
    chosen = rng.choice(len(recordings), BABBLE_WORDS, replace=False)
    mixed = np.zeros(CLIP_SAMPLES)
    for index in chosen:
        mixed += np.roll(place(rng, recordings[index]), rng.integers(CLIP_SAMPLES))
    return mixed / rms(mixed)


def background(rng: np.random.Generator, recordings: tuple[Signal, ...]) -> Signal:
    """Noise of a random colour, in BABBLE_SHARE of all cases with babble. RMS is 1."""
    noise = coloured_noise(rng, rng.uniform(0.0, 2.0))
    if rng.random() < BABBLE_SHARE:
        noise += rng.uniform(0.5, 2.0) * babble(rng, recordings)
    return noise / rms(noise)


def microphone(rng: np.random.Generator, clip: Signal) -> Signal:
    """The clip through a random frequency response: up to RESPONSE_DB more or less per octave band."""
    hertz = np.fft.rfftfreq(CLIP_SAMPLES, 1.0 / SAMPLE_RATE)
    knots = np.array([60.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0])
    response_db = np.interp(np.log1p(hertz), np.log1p(knots), rng.uniform(-RESPONSE_DB, RESPONSE_DB, len(knots)))
    heard: Signal = np.fft.irfft(np.fft.rfft(clip) * 10.0 ** (response_db / 20.0), CLIP_SAMPLES)
    return heard


def make_clip(rng: np.random.Generator, word: Signal | None, recordings: tuple[Signal, ...]) -> Signal:
    """CLIP_SAMPLES samples: the word (None: nobody speaks) in background noise.

    `recordings` are what the babble in the background is made of. The signal-to-noise ratio, drawn from
    SNR_DB, is between the RMS of the word while it lasts and that of the noise.
    """
    clip = background(rng, recordings) / decibels(rng.uniform(*SNR_DB))
    if word is not None:
        clip += place(rng, word) / rms(word)
    return microphone(rng, clip) * decibels(rng.uniform(*LOUDNESS_DB))

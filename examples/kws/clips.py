"""Clips: a recorded word somewhere in one second of background noise.

Second step of the flow speech -> clips -> mfcc -> train_kws.
"""

import numpy as np

from speech import SAMPLE_RATE, Signal

CLIP_SAMPLES = SAMPLE_RATE
SNR_DB = (0.0, 25.0)
GAIN_DB = (-20.0, 0.0)
BABBLE_VOICES = 6


def rms(signal: Signal) -> float:
    return float(np.sqrt(np.mean(np.square(signal))))


def coloured_noise(rng: np.random.Generator, slope: float) -> Signal:
    """Noise whose power falls with frequency as f ** -slope: 0 is white, 1 pink, 2 brown. RMS is 1."""
    spectrum = np.fft.rfft(rng.standard_normal(CLIP_SAMPLES))
    spectrum /= np.maximum(np.arange(len(spectrum)), 20) ** (slope / 2)
    noise = np.fft.irfft(spectrum, CLIP_SAMPLES)
    return noise / rms(noise)


def place(rng: np.random.Generator, word: Signal) -> Signal:
    """The word at a random place in a silent clip; of a word longer than the clip, a random part."""
    clip = np.zeros(CLIP_SAMPLES)
    room = CLIP_SAMPLES - len(word)
    start = int(rng.integers(min(room, 0), max(room, 0) + 1))
    part = word[max(-start, 0) : max(-start, 0) + CLIP_SAMPLES]
    clip[max(start, 0) : max(start, 0) + len(part)] = part
    return clip


def babble(rng: np.random.Generator, recordings: tuple[Signal, ...]) -> Signal:
    """Many people talking at once: words on top of each other, each at its own place. RMS is 1."""
    chosen = rng.choice(len(recordings), 2 * BABBLE_VOICES, replace=False)
    mixed = np.sum([np.roll(place(rng, recordings[i]), rng.integers(CLIP_SAMPLES)) for i in chosen], axis=0)
    return mixed / rms(mixed)


def background(rng: np.random.Generator, recordings: tuple[Signal, ...]) -> Signal:
    """One of the noises, or a mixture of two. RMS is 1."""
    noise = coloured_noise(rng, rng.uniform(0.0, 2.0))
    if rng.random() < 0.4:
        noise += rng.uniform(0.5, 2.0) * babble(rng, recordings)
    return noise / rms(noise)


def make_clip(rng: np.random.Generator, word: Signal | None, recordings: tuple[Signal, ...]) -> Signal:
    """CLIP_SAMPLES samples: the word (None: nobody speaks) in noise at a random distance and loudness.

    `recordings` are what the babble in the background is made of. The signal-to-noise ratio, drawn from
    SNR_DB, is between the RMS of the word while it lasts and that of the noise.
    """
    noise = background(rng, recordings)
    snr = 10.0 ** (rng.uniform(*SNR_DB) / 20.0)
    gain = 10.0 ** (rng.uniform(*GAIN_DB) / 20.0)
    if word is None:
        mixed = noise / snr
    else:
        mixed = place(rng, word) / rms(word) + noise / snr
    return gain * 0.1 * mixed

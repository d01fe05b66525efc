"""A labelled stream of speech in noise: words at random times, by voices that no training has heard.

For `tinygen tune-decision` and `tinygen play`. Speech and noise are those of examples/kws (speech, clips), which hold
one second; here they go on for minutes, of which each has a room of its own. Needs numpy and espeak-ng.
"""

import argparse
import csv
import sys
import wave
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parent.parent / "kws"))

from clips import (
    BABBLE_SHARE,
    CLIP_SAMPLES,
    LOUDNESS_DB,
    SNR_DB,
    babble,
    coloured_noise,
    decibels,
    microphone,
    rms,
)
from numpy.typing import NDArray
from speech import SAMPLE_RATE, Signal, plan_utterances, speak
from vocabulary import KEYWORDS, TEST_VARIANTS, UNKNOWN_TEST

SCENE_SECONDS = 60
"""As long one room, one microphone and one loudness last. No word goes from one scene into the next."""

PAUSE_SECONDS = (0.7, 4.3)
SECONDS_PER_WORD = 3.0
WORD_DB = (-3.0, 3.0)
"""How much louder a word is than the others of its scene."""

FIRST_WORD = 1.5
"""Seconds into a scene: a device that begins there has heard one window."""

SIDES = {"validation": 0, "test": 1}
"""Every other voice and unknown word of examples/kws's test: what chose the decision's table is not its test."""

Word = tuple[Signal, str]
Event = tuple[float, float, str]


def record_words(rng: np.random.Generator, side: str, count: int) -> list[Word]:
    """At least `count` words and their labels in random order, as many keywords as others."""
    per_keyword = -(-count // (2 * len(KEYWORDS)))
    first = SIDES[side]
    others = max(per_keyword * len(KEYWORDS), 12)
    plan = plan_utterances(rng, TEST_VARIANTS[first::2], UNKNOWN_TEST[first::2], per_keyword, others)
    with ThreadPoolExecutor(1) as pool:
        sounds = list(pool.map(speak, plan))
    return [(sounds[i], plan[i].label) for i in rng.permutation(len(plan))]


def blocks(samples: int) -> Iterator[slice]:
    """Seconds that overlap by half, over so many samples and half a second at both ends."""
    return (slice(at, at + CLIP_SAMPLES) for at in range(0, samples + CLIP_SAMPLES // 2, CLIP_SAMPLES // 2))


# the squares of two that overlap by half add up to 1
FADE = np.sin(np.pi * (np.arange(CLIP_SAMPLES) + 0.5) / CLIP_SAMPLES)


def background(rng: np.random.Generator, samples: int, recordings: tuple[Signal, ...]) -> Signal:
    """Noise of one colour, in BABBLE_SHARE of all cases with babble; RMS about 1, half a second more at both ends."""
    slope = rng.uniform(0.0, 2.0)
    talking = rng.uniform(0.5, 2.0) if rng.random() < BABBLE_SHARE else 0.0
    noise = np.zeros(samples + 2 * CLIP_SAMPLES)
    for block in blocks(samples):
        second = coloured_noise(rng, slope)
        if talking:
            second += talking * babble(rng, recordings)
        noise[block] += FADE * second / rms(second)
    return noise


def make_scene(
    rng: np.random.Generator, seconds: int, words: list[Word], recordings: tuple[Signal, ...]
) -> tuple[NDArray[np.int16], list[Event]]:
    """Samples of a scene, and where its words are. Takes from `words` what it says; `recordings` are the babble."""
    samples, half = seconds * SAMPLE_RATE, CLIP_SAMPLES // 2
    sound = background(rng, samples, recordings) / decibels(rng.uniform(*SNR_DB))
    events: list[Event] = []
    at = FIRST_WORD
    while words and at + len(words[-1][0]) / SAMPLE_RATE < seconds - 0.5:
        word, label = words.pop()
        start = round(at * SAMPLE_RATE)
        sound[half + start :][: len(word)] += word / rms(word) * decibels(rng.uniform(*WORD_DB))
        end = (start + len(word)) / SAMPLE_RATE
        events.append((start / SAMPLE_RATE, end, label))
        at = end + rng.uniform(*PAUSE_SECONDS)
    response = int(rng.integers(1 << 32))  # one for all blocks
    heard = np.zeros_like(sound)
    for block in blocks(samples):
        heard[block] += microphone(np.random.default_rng(response), sound[block] * FADE**2)
    loud = heard[half : half + samples] * decibels(rng.uniform(*LOUDNESS_DB))
    return np.clip(np.round(loud * 32767), -32768, 32767).astype(np.int16), events


def make_stream(seed: int, side: str, seconds: int) -> tuple[NDArray[np.int16], list[Event]]:
    """A stream of so many seconds: scenes of SCENE_SECONDS one behind the other."""
    rng = np.random.default_rng((seed, SIDES[side]))
    words = record_words(rng, side, round(1.2 * seconds / SECONDS_PER_WORD))
    recordings = tuple(sound for sound, _ in words)
    scenes, events = [], []
    for begin in range(0, seconds, SCENE_SECONDS):
        samples, found = make_scene(rng, min(SCENE_SECONDS, seconds - begin), words, recordings)
        scenes.append(samples)
        events += [(begin + start, begin + end, label) for start, end, label in found]
    return np.concatenate(scenes), events


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=int, default=1200, help="how long (default: 1200)")
    parser.add_argument("--side", choices=SIDES, default="test", help="voices and unknown words (default: test)")
    parser.add_argument("--seed", type=int, default=1, help="of everything random (default: 1)")
    parser.add_argument("-o", "--out", type=Path, default=Path("room.wav"), help="a WAV file; the events go into .csv")
    arguments = parser.parse_args()
    if arguments.seconds < 5:
        raise SystemExit("a stream has 5 seconds or more")

    samples, events = make_stream(arguments.seed, arguments.side, arguments.seconds)
    with wave.open(str(arguments.out), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples.astype("<i2").tobytes())
    with arguments.out.with_suffix(".csv").open("w", newline="") as table:
        lines = csv.writer(table, lineterminator="\n")
        lines.writerow(("start", "end", "label"))
        lines.writerows((f"{start:.3f}", f"{end:.3f}", label) for start, end, label in events)
    keywords = sum(label in KEYWORDS for _, _, label in events)
    print(f"{arguments.out}: {len(samples) / SAMPLE_RATE:.0f} s, {keywords} keywords, {len(events) - keywords} others")


if __name__ == "__main__":
    main()

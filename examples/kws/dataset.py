"""The data set: features and labels for training, from training voices, and for the test, from others.

Joins speech, clips and mfcc for train_kws, and with other features for examples/keywords. Everything random comes from
one seed.
"""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np
from clips import make_clip
from mfcc import features
from numpy.typing import NDArray
from speech import Signal, plan_utterances, speak
from vocabulary import LABELS, SILENCE, TEST_VARIANTS, TRAIN_VARIANTS, UNKNOWN_TEST, UNKNOWN_TRAIN


@dataclass(frozen=True, slots=True)
class Split:
    """Samples of one side of the data set, in random order."""

    x: NDArray[np.floating[Any]]
    """(samples, 49, 10, 1)"""
    y: NDArray[np.int32]
    """(samples,), an index into LABELS each."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What one side of the data set is made of."""

    variants: tuple[str, ...]
    unknown: tuple[str, ...]
    recordings_per_keyword: int
    unknown_recordings: int
    clips_per_recording: int
    silent_clips: int


TRAIN = Recipe(TRAIN_VARIANTS, UNKNOWN_TRAIN, 630, 1890, 2, 1260)
TEST = Recipe(TEST_VARIANTS, UNKNOWN_TEST, 120, 120, 1, 120)


def make_split(
    pool: Executor,
    recipe: Recipe,
    seed: tuple[int, ...],
    features_of: Callable[[Signal], NDArray[np.floating[Any]]] = features,
) -> Split:
    """Record the words, mix every recording into several clips and compute their features, of each clip alone."""
    plan_seed, clip_seed, order_seed = np.random.SeedSequence(seed).spawn(3)
    utterances = plan_utterances(
        np.random.default_rng(plan_seed),
        recipe.variants,
        recipe.unknown,
        recipe.recordings_per_keyword,
        recipe.unknown_recordings,
    )
    recordings = tuple(pool.map(speak, utterances))
    words: list[tuple[Signal | None, str]] = [
        (sound, utterance.label) for utterance, sound in zip(utterances, recordings, strict=True)
    ]
    words = words * recipe.clips_per_recording + [(None, SILENCE)] * recipe.silent_clips

    def sample(word: Signal | None, clip_seed: np.random.SeedSequence) -> NDArray[np.floating[Any]]:
        return features_of(make_clip(np.random.default_rng(clip_seed), word, recordings))

    x = np.stack(list(pool.map(sample, [word for word, _ in words], clip_seed.spawn(len(words)))))
    y = np.array([LABELS.index(label) for _, label in words], np.int32)
    order = np.random.default_rng(order_seed).permutation(len(y))
    return Split(x[order], y[order])


def pick_calibration(split: Split, per_label: int) -> NDArray[np.float16]:
    """`per_label` samples of every label."""
    picked = [np.flatnonzero(split.y == label)[:per_label] for label in range(len(LABELS))]
    return split.x[np.concatenate(picked)].astype(np.float16)

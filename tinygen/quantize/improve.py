"""Looks for the int8 .tflite that is nearest to the float model, by measurement.

Place in the flow: load/worker.py calls `improve` in the child process, on the two files that the converter made.

What is measured is the model's own output, before a last SOFTMAX or LOGISTIC (they hide how close a decision was): the
signal to noise ratio against the float model in dB, averaged over samples, so that one odd sample cannot outweigh the
others. Remedies are tried one after the other; one is kept when it wins there by more than chance.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tinygen.ir import Array
from tinygen.quantize.correct import corrections
from tinygen.quantize.equalize import equalized
from tinygen.quantize.flat import Flat, matched
from tinygen.quantize.groups import Group, groups
from tinygen.quantize.measure import Inputs, Progress, Seen, look, outputs, sqnr_db
from tinygen.quantize.ranges import WAYS, Range, candidates
from tinygen.quantize.write import Rewriter

_MOST_JUDGES = 100  # samples that candidates are compared on
_FEWEST = 16  # samples, of the largest models
_WORK = 4e10  # multiply-accumulates that looking, and comparing, may take each
_GAIN = 0.02  # dB: less is not worth a remedy
_DEVIATIONS = 1.0  # of the mean gain, that it must be above 0
_LAST = ("SOFTMAX", "LOGISTIC")


@dataclass(frozen=True, slots=True)
class Improved:
    """An int8 .tflite and how it came about.

    source: the float .tflite that it is quantized from, whose channels may have been equalised. plain_db, db: SQNR of
    the converter's own and of this one. remedies: what was done. tried: remedies with the dB that were measured with
    each and those kept before it.
    """

    content: bytes
    source: bytes
    plain_db: float
    db: float
    remedies: tuple[str, ...]
    tried: tuple[tuple[str, float], ...] = ()


def improve(
    floating: bytes, quantized: bytes, samples: Sequence[Inputs], done: Progress = lambda count, total: None
) -> Improved:
    """A better int8 .tflite than the converter's, or the same one.

    floating, quantized: what the converter made of one traced model. samples: float32 inputs to calibrate with.
    done: told how many samples the float model has seen.
    """
    flat = Flat.of(quantized)
    free = groups(flat, Flat.of(floating))
    work = _WORK / max(flat.macs(), 1)
    samples = some(samples, work)
    judge = _Judge.of(floating, quantized, some(samples, min(_MOST_JUDGES, work / (1 + 4 * len(free)))))
    plain = judge.score(quantized)
    if not free or not judge.tensors:
        return Improved(quantized, floating, plain.mean(), plain.mean(), ())
    contest = _Contest(judge)
    source = _Source.of(floating, samples, free, done)
    best = contest.enter(_Attempt(quantized, source, free, ("",) * len(free)))
    balanced = equalized(floating, source.seen)
    if balanced is not floating:
        other = _Source.of(balanced, samples, free, lambda count, total: None)
        best = contest.enter(replace(best, source=other), "channels equalised")
    for way in WAYS:  # of all at once: an outlier widens every range, and to narrow one alone wins little
        best = contest.enter(
            replace(best, ways=tuple(way if way in offer else "" for offer in best.source.offers)), way
        )
    for i in range(len(free)):
        for way in best.source.offers[i]:
            best = contest.enter(replace(best, ways=(*best.ways[:i], way, *best.ways[i + 1 :])))
    contest.note("ranges chosen one by one")
    best = contest.enter(replace(best, corrected=True), "biases corrected")
    content = best.write()
    db = judge.score(content)
    if db.mean() <= plain.mean():
        return Improved(quantized, floating, plain.mean(), plain.mean(), (), contest.tried)
    equalised = ("channels equalised",) if best.source is not source else ()
    return Improved(
        content, best.source.content, plain.mean(), db.mean(), (*equalised, *best.remedies()), contest.tried
    )


def some(samples: Sequence[Inputs], most: float) -> Sequence[Inputs]:
    """At most so many samples, at equal distances."""
    count = min(len(samples), max(_FEWEST, int(most)))
    return [samples[i] for i in np.linspace(0, len(samples) - 1, count).round().astype(int)]


@dataclass(frozen=True, slots=True, eq=False)
class _Judge:
    """The float model's answers on some samples; tensors of the int8 file with those of the float file."""

    samples: Sequence[Inputs]
    tensors: tuple[tuple[int, int], ...]
    answers: dict[int, Array]

    @staticmethod
    def of(floating: bytes, quantized: bytes, samples: Sequence[Inputs]) -> _Judge:
        flat = Flat.of(quantized)
        twins = matched(flat, Flat.of(floating))
        pairs = tuple((i, twins[i]) for i in decisive(flat) if i in twins)
        return _Judge(samples, pairs, outputs(floating, samples, [f for _, f in pairs]))

    def score(self, content: bytes) -> Array:
        """SQNR in dB of each sample, the mean over the outputs."""
        got = outputs(content, self.samples, [q for q, _ in self.tensors])
        ratios = [sqnr_db(self.answers[f], got[q]) for q, f in self.tensors]
        mean: Array = np.mean(ratios, axis=0) if ratios else np.zeros(len(self.samples))
        return mean


def decisive(flat: Flat) -> list[int]:
    """The model's outputs, or what a last SOFTMAX or LOGISTIC reads."""
    made = {int(i): op for op in flat.graph.operators for i in op.outputs}
    outs = [int(i) for i in flat.graph.outputs]
    return [int(made[i].inputs[0]) if i in made and flat.kind(made[i]) in _LAST else i for i in outs]


@dataclass(frozen=True, slots=True, eq=False)
class _Source:
    """A float .tflite, what its tensors hold, and per group the ranges that each way finds; the way "" is min-max."""

    content: bytes
    seen: dict[int, Seen]
    offers: tuple[dict[str, Range], ...]

    @staticmethod
    def of(content: bytes, samples: Sequence[Inputs], free: Sequence[Group], done: Progress) -> _Source:
        seen = look(content, samples, sorted({f for group in free for f in group.floats}), done)
        return _Source(content, seen, tuple(candidates([seen[f] for f in group.floats]) for group in free))


@dataclass(frozen=True, slots=True, eq=False)
class _Attempt:
    """One way to quantize: a float source, a way for each group's range, biases corrected or not."""

    quantized: bytes
    source: _Source
    free: Sequence[Group]
    ways: tuple[str, ...]
    corrected: bool = False

    def write(self) -> bytes:
        """The int8 .tflite."""
        chosen = zip(self.free, self.source.offers, self.ways, strict=True)
        ranges = {t: offer[way] for group, offer, way in chosen for t in group.tensors}
        rewriter = Rewriter(self.quantized, self.source.content)
        content = rewriter.write(ranges)
        if not self.corrected:
            return content
        means = {
            t: self.source.seen[f].channel_mean
            for group in self.free
            for t, f in zip(group.tensors, group.floats, strict=True)
        }
        return rewriter.write(ranges, corrections(content, rewriter.layers, means))

    def remedies(self) -> tuple[str, ...]:
        """What is done beside min-max, in words."""
        counts = Counter(way for way in self.ways if way)
        ranges = tuple(f"{way}: {count} range{'s' * (count > 1)}" for way, count in counts.items())
        return (*(ranges or ("min-max anew",)), *(("biases corrected",) if self.corrected else ()))


class _Contest:
    """Keeps the best attempt so far, and the figures of those that have a name."""

    def __init__(self, judge: _Judge) -> None:
        self._judge = judge
        self._best: tuple[_Attempt, Array] | None = None
        self.tried: tuple[tuple[str, float], ...] = ()

    def enter(self, attempt: _Attempt, name: str = "") -> _Attempt:
        """The better one of this attempt and the best before it."""
        score = self._judge.score(attempt.write())
        if name:
            self.tried = (*self.tried, (name, float(score.mean())))
        if self._best is None or _is_more(score - self._best[1]):
            self._best = attempt, score
        return self._best[0]

    def note(self, name: str) -> None:
        """Put down the best one's figure under a name."""
        assert self._best is not None
        self.tried = (*self.tried, (name, float(self._best[1].mean())))


def _is_more(gains: Array) -> bool:
    """Whether a mean gain is worth it, and no chance."""
    chance = gains.std(ddof=1) / np.sqrt(len(gains)) if len(gains) > 1 else np.inf
    return bool(gains.mean() > max(_GAIN, _DEVIATIONS * chance))

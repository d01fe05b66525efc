"""What becomes of a model's accuracy when its input shifts: float and int8 side by side.

Place in the flow: load/health.py calls `robustness` in the child process for `tinygen doctor MODEL --robustness`, and
cli/doctor.py for an int8 .tflite. Both models run in LiteRT: fast, and within rounding of the device.

A shift is in parts of the range that the samples have (from the 0.5 % to the 99.5 % quantile). Nothing is cut off at
the ends of the range: what a sensor would cut off there, int8 does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from tinygen.errors import TinygenError
from tinygen.ir import Array
from tinygen.load.subset import stratified
from tinygen.quantize.findings import Finding, are_scores
from tinygen.quantize.flat import Flat
from tinygen.quantize.measure import Progress, outputs, sqnr_db

Samples = Mapping[str, Array]
Direction = Callable[[Samples, Array | None], Samples]  # signs of the loss's gradient, for samples and their classes

_MOST_SAMPLES, _FEWEST = 200, 16
_WORK = 4e10  # multiply-accumulates
_SEED = 20240607
_NOISE, _GAIN, _OFFSET = (0.02, 0.05, 0.1), (0.5, 0.8, 1.25, 2.0), (-0.1, 0.1)
_BLUR, _LATER, _FGSM = (1.0, 2.0), (0.05, 0.1, 0.2), (0.01, 0.03)
_LEAST = 8  # points along an axis, to blur or to move along it
_WORSE, _WORSE_DB, _DEVIATIONS = 0.01, 6.0, 2.0


@dataclass(frozen=True, slots=True)
class Row:
    """One shift. The scores are accuracies (0 to 1) or errors, see Robustness.measure; float's is None where there is
    no float model. sqnr_db: int8 against float on the same shifted samples."""

    shift: str
    level: str
    float_score: float | None
    int8_score: float
    sqnr_db: float | None


@dataclass(frozen=True, slots=True)
class Robustness:
    """The first row is without a shift. measure: in words what the scores are. left_out: what was not done, and why."""

    measure: str
    is_accuracy: bool
    samples: int
    rows: tuple[Row, ...]
    left_out: tuple[str, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A model and the samples to shift: `samples` (N, ...) float32 by input name, inputs of `shapes` in their order.

    floating: the float .tflite or None. fixed: inputs that hold numbers of words and the like, which stay as they are.
    classes: (N,) or None. direction: for FGSM, may raise TinygenError; None without a Keras model.
    """

    content: bytes
    floating: bytes | None
    shapes: Mapping[str, tuple[int, ...]]
    samples: Samples
    classes: Array | None
    fixed: frozenset[str]
    direction: Direction | None


def robustness(subject: Subject, done: Progress) -> Robustness:
    """Run both models on shifted samples, at most 200 of them, fewer of a large model."""
    total = len(next(iter(subject.samples.values())))
    macs = max(1, Flat.of(subject.content).macs())
    most = max(_FEWEST, min(_MOST_SAMPLES, int(_WORK / (40 * macs))))
    chosen = stratified(subject.classes, total, most)
    samples = {name: x[chosen] for name, x in subject.samples.items()}
    classes = None if subject.classes is None else subject.classes[chosen]
    judge = _Judge.of(subject, samples, classes)
    free = {name: x for name, x in samples.items() if name not in subject.fixed}
    left_out = [] if free else ["all shifts: the inputs are numbers of words and the like"]
    made = list(_shifts(free)) if free else []
    if free:
        try:
            made += _fgsm(subject, samples, free, judge.classes)
        except TinygenError as error:
            left_out.append(f"FGSM: {error}")
    rows = [judge.row("none", "", samples)]
    for count, (name, level, shifted) in enumerate(made, 1):
        rows.append(judge.row(name, level, {**samples, **shifted}))
        done(count, len(made))
    return Robustness(
        judge.measure, judge.classes is not None, len(chosen), tuple(rows), tuple(left_out), tuple(judge.findings)
    )


def _fgsm(subject: Subject, samples: Samples, free: Samples, classes: Array | None) -> list[tuple[str, str, Samples]]:
    """Raises TinygenError without gradients."""
    if subject.direction is None:
        raise TinygenError("an int8 .tflite has no gradients", "give the Keras model")
    signs = subject.direction(samples, classes)
    return [("FGSM", f"{part:.0%}", _along(free, signs, part)) for part in _FGSM]


class _Judge:
    """Scores shifted samples, and notes where int8 loses what float keeps."""

    def __init__(self, subject: Subject, classes: Array | None, real: Array) -> None:
        self._subject, self._real = subject, real
        self.classes = classes
        self.findings: list[Finding] = []
        self._first: tuple[Array, float] | None = None  # of the row without a shift

    @staticmethod
    def of(subject: Subject, samples: Samples, classes: Array | None) -> _Judge:
        """classes count only for a model whose output is a score for each."""
        real = _run(subject.floating or subject.content, subject, samples)
        count = real.shape[1]
        scores = classes is not None and classes.max() < count and are_scores(count, samples, classes)
        return _Judge(subject, classes if scores else None, real)

    @property
    def measure(self) -> str:
        if self.classes is not None:
            return "accuracy"
        whose = "float" if self._subject.floating is not None else "int8"
        return f"error against the {whose} model's outputs without a shift, over their spread"

    def row(self, shift: str, level: str, samples: Samples) -> Row:
        """The scores of shifted samples."""
        got = _run(self._subject.content, self._subject, samples)
        real = None if self._subject.floating is None else _run(self._subject.floating, self._subject, samples)
        ratio = None if real is None else float(sqnr_db(real, got).mean())
        now, before = self._score(got), None if real is None else self._score(real)
        if real is not None and ratio is not None and before is not None:
            self._note(f"{shift} {level}".strip(), real, got, (before, now, ratio))
        return Row(shift, level, before, now, ratio)

    def _score(self, values: Array) -> float:
        if self.classes is not None:
            return float((values.argmax(1) == self.classes).mean())
        return float(np.sqrt(((values - self._real) ** 2).mean()) / max(float(self._real.std()), 1e-12))

    def _note(self, shift: str, real: Array, got: Array, scores: tuple[float, float, float]) -> None:
        """A finding where int8 falls behind float by more than without a shift, and by more than chance."""
        before, now, ratio = scores
        behind = np.zeros(len(real))
        if self.classes is not None:
            behind = (real.argmax(1) == self.classes).astype(float) - (got.argmax(1) == self.classes)
        if self._first is None:
            self._first = behind, ratio
            return
        more = behind - self._first[0]
        chance = _DEVIATIONS * more.std() / np.sqrt(len(more))
        remedy = "calibrate on samples that are shifted like that, too, or give the first layers int16 activations"
        if self.classes is not None and more.mean() > max(_WORSE, chance):
            cause = f"under {shift} int8 is right in {now:.1%}, float in {before:.1%}; without a shift they differ less"
            self.findings.append(Finding("robustness", cause, remedy))
        elif self.classes is None and self._first[1] - ratio > _WORSE_DB and now > 1.5 * before:
            cause = f"under {shift} int8 is off by {now:.2g}, float by {before:.2g}: {ratio:.1f} dB apart"
            self.findings.append(Finding("robustness", cause, remedy))


def _run(content: bytes, subject: Subject, samples: Samples) -> Array:
    """The first output, (N, values), in real units."""
    flat = Flat.of(content)
    end = int(flat.graph.outputs[0])
    count = len(next(iter(samples.values())))
    inputs = [[samples[name][i].reshape(shape) for name, shape in subject.shapes.items()] for i in range(count)]
    return outputs(content, inputs, [end])[end].reshape(count, -1)


def _shifts(samples: Samples) -> Iterator[tuple[str, str, Samples]]:
    """(kind, level, shifted samples)."""
    rng = np.random.default_rng(_SEED)
    reach = {name: _reach(x) for name, x in samples.items()}
    noise = {name: rng.standard_normal(x.shape, np.float32) for name, x in samples.items()}

    for part in _NOISE:
        yield "noise", f"{part:.0%}", {name: x + part * reach[name] * noise[name] for name, x in samples.items()}
    for factor in _GAIN:
        yield "gain", f"x{factor:g}", {name: x * np.float32(factor) for name, x in samples.items()}
    for part in _OFFSET:
        yield "offset", f"{part:+.0%}", {name: x + np.float32(part * reach[name]) for name, x in samples.items()}
    if any(_is_plane(x) for x in samples.values()):
        for sigma in _BLUR:
            yield "blur", f"{sigma:g} px", {n: blurred(x, sigma) if _is_plane(x) else x for n, x in samples.items()}
    if any(_length(x) >= _LEAST for x in samples.values()):
        for part in _LATER:
            yield "moved", f"{part:.0%}", {n: moved(x, max(1, round(part * _length(x)))) for n, x in samples.items()}


def _reach(x: Array) -> float:
    low, high = np.percentile(x, (0.5, 99.5))
    return float(high - low) or float(x.max() - x.min()) or 1.0


def _is_plane(x: Array) -> bool:
    return x.ndim == 4 and min(x.shape[1:3]) >= _LEAST


def _length(x: Array) -> int:
    """Of the first axis of a sample that is longer than 1: time, or an image's height."""
    return next((d for d in x.shape[1:] if d > 1), 1)


def blurred(x: Array, sigma: float) -> Array:
    """(N, height, width, channels) through a Gaussian filter; the edges are repeated."""
    reach = int(np.ceil(2 * sigma))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights /= weights.sum()
    for axis in (1, 2):
        padded = np.pad(x, [(reach, reach) if a == axis else (0, 0) for a in range(4)], mode="edge")
        parts = (w * padded.take(range(k, k + x.shape[axis]), axis) for k, w in enumerate(weights.tolist()))
        x = sum(parts, np.zeros_like(x)).astype(np.float32)
    return x


def moved(x: Array, frames: int) -> Array:
    """(N, ...) later by so many frames along a sample's first axis longer than 1; the first frame is repeated."""
    axis = next((a for a in range(1, x.ndim) if x.shape[a] > 1), None)
    return x if axis is None else x.take(np.maximum(np.arange(x.shape[axis]) - frames, 0), axis)


def _along(samples: Samples, signs: Samples, part: float) -> Samples:
    """One step of the fast gradient sign method (Goodfellow, Shlens, Szegedy 2014)."""
    return {name: (x + part * _reach(x) * signs[name]).astype(np.float32) for name, x in samples.items()}

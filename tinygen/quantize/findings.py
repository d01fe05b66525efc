"""Causes of a loss in quantization, in words, each with what helps.

Place in the flow: load/worker.py looks at the data and at the diagnosis of the int8 model for `tinygen doctor MODEL`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from tinygen.ir import Array
from tinygen.load.subset import Coverage
from tinygen.quantize.diagnose import Diagnosis, LayerHealth

Samples = Mapping[str, Array]

_OUTLIER = 5.0  # times the reach of nearly all other samples
_WIDE = 50.0  # the widest channel over the narrowest quarter
_SATURATED = 0.01
_LARGE_SHARE = 0.3
_DEAD = 0.25  # of the channels
_UNLIKE = 4.0  # times the deviation that a normalisation was trained on
_OFF = 1.0  # deviations of training
_OUTSIDE, _WIDER = 0.01, 1.2  # of the values; times the range
_MOST_CHANNELS = 64  # more are no sensor's
_NARROW = 0.8  # of the range of all samples
_RESCALES, _SCALED = 0.02, 2.0  # a factor that takes bytes; what scaled samples reach at most
_MORE_RIGHT = 0.2  # of the samples
_FEWEST = 50  # samples, to call an accuracy one
_UNREACHED = 0.25  # of an input's range
RESCALED = {  # what samples may need: (factor, offset)
    "divided by 255": (1 / 255, 0.0),
    "multiplied by 255": (255.0, 0.0),
    "brought from 0..255 to -1..1": (2 / 255, -1.0),
    "brought from 0..1 to -1..1": (2.0, -1.0),
    "brought from -1..1 to 0..1": (0.5, 0.5),
    "brought from -1..1 to 0..255": (127.5, 127.5),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that costs accuracy, or may; `where` is a layer's name, an input's, or "data"."""

    where: str
    cause: str
    remedy: str


def data_findings(calibration: Samples, test: Samples | None) -> tuple[Finding, ...]:
    """What is odd about samples (N, ...) by input name. test is None, or calibration itself, without test samples."""
    found: list[Finding] = []
    for name, array in calibration.items():
        found += _outliers(name, array)
        found += _constants(name, array)
        found += _dead_channels(name, array)
    if test is not None and test is not calibration:
        found += _reaches(calibration, test)
        known = set(_digests(calibration))
        twice = sum(digest in known for digest in _digests(test))
        if twice:
            cause = f"{twice} of {len(next(iter(test.values())))} test samples also calibrate: the test flatters"
            found.append(Finding("data", cause, "keep the two apart: --calibration FILE, or x_test in the .npz"))
    return tuple(found)


def _outliers(name: str, array: Array) -> Iterator[Finding]:
    reach = np.abs(array.reshape(len(array), -1)).max(1)
    usual = float(np.percentile(reach, 90))
    worst = int(reach.argmax())
    if len(reach) >= 10 and usual > 0 and reach[worst] > _OUTLIER * usual:
        cause = f"calibration sample {worst} reaches {reach[worst]:.4g}, nine of ten others at most {usual:.4g}"
        yield Finding(name, cause, "leave it out if it is a fault; a range chosen by mse or a percentile cuts it off")


def _constants(name: str, array: Array) -> Iterator[Finding]:
    flat = array.reshape(len(array), -1)
    if len(flat) < 2:
        return
    still = int((flat == flat[0]).all(0).sum())
    if still:
        cause = f"{still} of {flat.shape[1]} input values are the same in every calibration sample"
        yield Finding(name, cause, "see whether a sensor or a feature is dead, or the samples are too few")


def _digests(samples: Samples) -> Iterator[bytes]:
    for row in zip(*samples.values(), strict=True):
        yield hashlib.sha256(b"".join(np.ascontiguousarray(x).tobytes() for x in row)).digest()


def _reaches(calibration: Samples, test: Samples) -> Iterator[Finding]:
    """Where the test samples go and those to calibrate with never did."""
    for name, array in test.items():
        known = calibration[name]
        low, high = float(known.min()), float(known.max())
        outside = float(((array < low) | (array > high)).mean())
        wide = float(array.max()) - float(array.min())
        if outside > _OUTSIDE and wide > _WIDER * (high - low):
            cause = (
                f"the test samples go from {array.min():.4g} to {array.max():.4g}, those to calibrate with only from "
                f"{low:.4g} to {high:.4g}: {outside:.1%} of the values may be cut off"
            )
            yield Finding(name, cause, "calibrate on samples that reach as far")


def _dead_channels(name: str, array: Array) -> Iterator[Finding]:
    """Whole channels (the last axis) without any signal."""
    if array.ndim < 3 or not 1 < array.shape[-1] <= _MOST_CHANNELS:
        return
    flat = array.reshape(-1, array.shape[-1])
    still = [str(i) for i in np.flatnonzero(flat.min(0) == flat.max(0))]
    if still:
        which = f"channels {', '.join(still)} never change" if len(still) > 1 else f"channel {still[0]} never changes"
        cause = f"{which} (of {array.shape[-1]})"
        yield Finding(name, cause, "see whether the sensor, or the column, is the right one")


def coverage_findings(found: Coverage | None) -> tuple[Finding, ...]:
    """What the subset to calibrate with leaves out of the samples that there are."""
    if found is None:
        return ()
    remedy = "take more samples: --calibration-samples N"
    narrow = [
        Finding(name, f"the {found.samples} samples to calibrate with reach {share:.0%} of the range of all", remedy)
        for name, share in found.ranges
        if share < _NARROW
    ]
    if found.classes is not None and found.of_classes is not None and found.classes < found.of_classes:
        missing = found.of_classes - found.classes
        cause = f"{missing} of {found.of_classes} classes are not among the samples to calibrate with"
        narrow.append(Finding("data", cause, remedy))
    return tuple(narrow)


def scale_findings(name: str, factors: Array, offsets: Array | None = None) -> tuple[Finding, ...]:
    """What a normalisation layer of this name remembers from training, against the data.

    factors (channels,): deviations on the data over those of training. offsets (channels,): how far the means on the
    data lie off, in deviations of training.
    """
    factors = factors[np.isfinite(factors) & (factors > 0)]
    typical = float(np.median(factors)) if factors.size else 1.0
    remedy = "prepare the samples exactly as for training (0 to 1 or 0 to 255, the same mean)"
    if not 1 / _UNLIKE < typical < _UNLIKE:
        cause = f"its input varies {typical:.3g} times as much as in training: the data has another scale"
        return (Finding(name, cause, _by_bytes(typical) or remedy),)
    away = np.abs(offsets[np.isfinite(offsets)]) if offsets is not None else np.zeros(0)
    if away.size and float(np.median(away)) > _OFF:
        cause = f"the mean of its input lies {np.median(away):.2g} deviations off that of training"
        return (Finding(name, cause, remedy),)
    return ()


def _by_bytes(factor: float) -> str:
    """The remedy where a factor is near 255 or 1/255."""
    if 0.5 < factor / 255 < 2:
        return "the samples seem to be 0 to 255 where the model was trained on 0 to 1: divide them by 255"
    if 0.5 < factor * 255 < 2:
        return "the samples seem to be 0 to 1 where the model was trained on 0 to 255: multiply them by 255"
    return ""


def twice_findings(factor: float | None, samples: Samples) -> tuple[Finding, ...]:
    """factor: of the model's own Rescaling layer. Whether the samples are scaled already, all 0 to 1."""
    if factor is None or factor > _RESCALES:
        return ()
    return tuple(
        Finding(
            name,
            f"the model multiplies its input by {factor:.3g} itself, and the samples reach only {np.abs(x).max():.3g}",
            "give them as they are, 0 to 255, not scaled",
        )
        for name, x in samples.items()
        if np.abs(x).max() <= _SCALED
    )


def are_scores(outputs: int, samples: Samples, classes: Array) -> bool:
    """Whether so many output values are a score for each of the classes (N,), as far as can be seen: not those of an
    autoencoder, whose output has the size of its input."""
    sizes = [array[0].size for array in samples.values()]
    return outputs > 1 and (sizes != [outputs] or outputs == int(classes.max()) + 1)


def class_findings(classes: Array, outputs: int) -> tuple[Finding, ...]:
    """Classes (N,) that the model has no output for."""
    if classes.max() < outputs:
        return ()
    cause = f"the samples have class {classes.max()}, the model's output has {outputs} values: 0 to {outputs - 1}"
    return (Finding("data", cause, "number the classes as for training; of folders it is their order by name"),)


def prepared_findings(right: Array, others: Mapping[str, Array], classes: Array) -> tuple[Finding, ...]:
    """Whether the samples are prepared as for training: by how often the float model is right.

    right (N,) bool: as the samples are; others: the same when they are scaled otherwise, by what that is in words.
    """
    now = float(right.mean())
    guess = float(np.bincount(classes).max() / len(classes))
    words, best = max(((w, float(r.mean())) for w, r in others.items()), key=lambda found: found[1], default=("", 0.0))
    if best - now > max(_MORE_RIGHT, 3 / np.sqrt(len(right))):
        cause = f"the float model is right in {now:.0%} of the samples, but in {best:.0%} when they are {words}"
        return (Finding("data", cause, "wrong scaling: prepare the samples as for training"),)
    if len(right) >= _FEWEST and now <= guess:
        cause = (
            f"the float model is right in {now:.0%} of the samples; always the most frequent class is in {guess:.0%}"
        )
        return (Finding("data", cause, "see whether scaling, features and class numbers are those of training"),)
    return ()


def input_findings(name: str, low: float, high: float, samples: Array) -> tuple[Finding, ...]:
    """samples (N, ...) against the range that an int8 model's input takes."""
    outside = float(((samples < low - (high - low) / 255) | (samples > high + (high - low) / 255)).mean())
    least, most = float(samples.min()), float(samples.max())
    if outside > _SATURATED:
        cause = (
            f"it takes {low:.4g} to {high:.4g}, and {outside:.1%} of the data lies outside ({least:.4g} to {most:.4g})"
        )
        return (Finding(name, cause, "prepare the samples exactly as those that calibrated the model"),)
    if most - least < _UNREACHED * (high - low):
        cause = f"it takes {low:.4g} to {high:.4g}, the data reaches only {least:.4g} to {most:.4g}"
        return (Finding(name, cause, "prepare the samples exactly as those that calibrated the model"),)
    return ()


def layer_findings(plain: Diagnosis, now: Diagnosis) -> tuple[Finding, ...]:
    """What the layers show: causes as the converter quantizes (`plain`), shares as the model is now (`now`)."""
    found: list[Finding] = []
    for layer in plain.layers:
        found += _of_layer(layer)
    for layer in now.layers:
        if layer.share > _LARGE_SHARE:
            cause = f"makes {layer.share:.0%} of the noise that is left"
            remedy = "int16 activations for it and the layers that read it (quantize --target-drop)"
            found.append(Finding(layer.name, cause, remedy))
    return tuple(found)


def _of_layer(layer: LayerHealth) -> Iterator[Finding]:
    if layer.channel_ratio > _WIDE:
        cause = f"its channels reach {layer.channel_ratio:.0f} times as far as one another ({_steps(layer)})"
        yield Finding(layer.name, cause, "channels are equalised with the next layer where only ReLU lies between")
    if layer.saturated > _SATURATED:
        yield Finding(layer.name, f"{layer.saturated:.1%} of the values are cut off", "calibrate on more samples")
    if layer.weights_db is not None and layer.dead_channels > _DEAD * layer.channels:
        cause = f"{layer.dead_channels} of {layer.channels} channels are never used on this data"
        yield Finding(layer.name, cause, "prune them: fewer instructions, the same result")


def _steps(layer: LayerHealth) -> str:
    steps = max(abs(layer.low), abs(layer.high)) / layer.channel_ratio / layer.step
    return f"{steps:.1f} of 255 steps are left for a quarter of them"

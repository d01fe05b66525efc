"""Causes of a loss in quantization, in words, each with what helps.

Place in the flow: load/worker.py looks at the data and at the diagnosis of the int8 model for `tinygen doctor MODEL`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from tinygen.ir import Array
from tinygen.quantize.diagnose import Diagnosis, LayerHealth

Samples = Mapping[str, Array]

_OUTLIER = 5.0  # times the reach of nearly all other samples
_WIDE = 50.0  # the widest channel over the narrowest quarter
_SATURATED = 0.01
_LARGE_SHARE = 0.3
_DEAD = 0.25  # of the channels
_UNLIKE = 4.0  # times the deviation that a normalisation was trained on


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
    if test is not None and test is not calibration:
        known = set(_digests(calibration))
        twice = sum(digest in known for digest in _digests(test))
        if twice:
            cause = f"{twice} of {len(next(iter(test.values())))} test samples also calibrate: the test flatters"
            found.append(Finding("data", cause, "keep the two apart"))
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


def scale_findings(name: str, factors: Array) -> tuple[Finding, ...]:
    """factors (channels,): deviations on the data over those that a normalisation layer remembers from training."""
    factors = factors[np.isfinite(factors) & (factors > 0)]
    if factors.size == 0:
        return ()
    typical = float(np.median(factors))
    if 1 / _UNLIKE < typical < _UNLIKE:
        return ()
    cause = f"its input varies {typical:.3g} times as much as in training: the data has another scale"
    return (Finding(name, cause, "prepare the samples exactly as for training (0 to 1 or 0 to 255, the same mean)"),)


def layer_findings(plain: Diagnosis, now: Diagnosis) -> tuple[Finding, ...]:
    """What the layers show: causes as the converter quantizes (`plain`), shares as the model is now (`now`)."""
    found: list[Finding] = []
    for layer in plain.layers:
        found += _of_layer(layer)
    for layer in now.layers:
        if layer.share > _LARGE_SHARE:
            cause = f"makes {layer.share:.0%} of the noise that is left"
            found.append(Finding(layer.name, cause, "int16 activations for this layer would cost little"))
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

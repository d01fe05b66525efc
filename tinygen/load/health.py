"""What is odd about the data, and what shifts of the input cost: in the child process, where the float model is.

Place in the flow: worker.py calls it for `tinygen doctor MODEL`; quantize/findings.py and quantize/robust.py judge.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tinygen.load.arrays import Array, Samples
from tinygen.load.subset import Coverage, stratified
from tinygen.quantize.findings import (
    RESCALED,
    Finding,
    are_scores,
    class_findings,
    coverage_findings,
    data_findings,
    prepared_findings,
    scale_findings,
    twice_findings,
)
from tinygen.quantize.measure import Progress
from tinygen.quantize.robust import Robustness, Subject, robustness

_MOST_SAMPLES = 200
Predict = Callable[[Samples], Array]


def ailments(
    model: Any,
    calibration: Samples,
    whole: Coverage | None,
    test: Samples | None,
    classes: Array | None,
    predict: Predict,
) -> tuple[Finding, ...]:
    """All that is odd about the samples as the model takes them, (N, ...) by input name.

    test: None or calibration itself without test samples; classes (N,) of the test samples, or None. predict: the first
    output of the float model.
    """
    from tinygen.load import keras_model

    found = [*data_findings(calibration, test), *coverage_findings(whole)]
    met = keras_model.first_statistics(model, calibration)
    found += () if met is None else scale_findings(*met)
    found += twice_findings(keras_model.first_rescaling(model), calibration)
    if test is not None and classes is not None:
        chosen = stratified(classes, len(classes), _MOST_SAMPLES)
        some = {name: x[chosen] for name, x in test.items()}
        found += _prepared(some, classes[chosen], frozenset(model.numbers), predict)
    return tuple(found)


def _prepared(samples: Samples, classes: Array, fixed: frozenset[str], predict: Predict) -> tuple[Finding, ...]:
    """Whether the float model is right more often when the samples are scaled otherwise."""
    scores = _scores(predict(samples))
    if not are_scores(scores.shape[1], samples, classes):
        return ()
    outside = class_findings(classes, scores.shape[1])
    if outside:
        return outside
    right = scores.argmax(1) == classes
    others = {}
    for words, (factor, offset) in RESCALED.items():
        changed = {
            name: x if name in fixed else (x * np.float32(factor) + np.float32(offset)).astype(np.float32)
            for name, x in samples.items()
        }
        if len(fixed) < len(samples):
            others[words] = _scores(predict(changed)).argmax(1) == classes
    return prepared_findings(right, others, classes)


def _scores(values: Array) -> Array:
    return values.reshape(len(values), -1)


def shifted(
    model: Any,
    floating: bytes,
    content: bytes,
    shapes: Mapping[str, tuple[int, ...]],
    samples: Samples,
    classes: Array | None,
    done: Progress,
) -> Robustness:
    """The float .tflite and the int8 one on shifted samples; FGSM by the Keras model's gradient."""
    from tinygen.load import keras_gradient

    def direction(given: Samples, known: Array | None) -> Samples:
        return keras_gradient.directions(model, shapes, given, known)

    subject = Subject(
        content=content,
        floating=floating,
        shapes=shapes,
        samples=samples,
        classes=classes,
        fixed=frozenset(model.numbers),
        direction=direction,
    )
    return robustness(subject, done)

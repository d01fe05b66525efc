"""Fine-tuning towards the outputs of the model as it was: no labels are needed.

Place in the flow: worker.py calls it after each change. Imports TensorFlow.

Batches are mixtures of two samples each (Zhang et al., mixup, arXiv:1710.09412), for which the large model gives the
answer: so a few hundred samples go a long way. Outputs behind a softmax are compared by their logarithms less their
mean, which are the scores before it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tinygen.ir import Array

_BATCH = 64
_RATE = 3e-3
_MIXED = 0.7  # the first part of the steps has mixtures; then normalisations learn from the samples as they are
_SEED = 11
_LEAST = 1e-6  # of a probability


def distil(
    small: Any, large: Any, samples: Sequence[Array], mixable: bool, steps: int, done: Callable[[int], None]
) -> None:
    """Train `small` in place on samples, an array (N, ...) per input of both models. done: told the steps done."""
    keras.utils.set_random_seed(_SEED)
    rng = np.random.default_rng(_SEED)
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(_RATE, steps))
    optimizer.build(small.trainable_variables)
    scores = [is_softmax(large, i) for i in range(len(large.outputs))]

    def step(inputs: list[Any]) -> Any:
        wanted = keras.tree.flatten(large(inputs, training=False))
        with tf.GradientTape() as tape:
            got = keras.tree.flatten(small(inputs, training=True))
            loss = tf.add_n([_apart(a, b, s) for a, b, s in zip(wanted, got, scores, strict=True)])
        gradients = tape.gradient(loss, small.trainable_variables)
        optimizer.apply_gradients(zip(gradients, small.trainable_variables, strict=True))
        return loss

    traced = tf.function(step)
    for number in range(steps):
        traced([tf.constant(x) for x in _batch(samples, mixable and number < _MIXED * steps, rng)])
        done(number + 1)


def _batch(samples: Sequence[Array], mix: bool, rng: np.random.Generator) -> list[Array]:
    first, second = rng.integers(0, len(samples[0]), (2, _BATCH))
    if not mix:
        return [x[first] for x in samples]
    parts = rng.uniform(0, 1, _BATCH)
    return [_mixed(x[first], x[second], parts) for x in samples]


def _mixed(a: Array, b: Array, parts: Array) -> Array:
    weights = parts.reshape(-1, *(1,) * (a.ndim - 1)).astype(np.float32)
    mixed: Array = a * weights + b * (1 - weights)
    return mixed


def is_softmax(model: Any, output: int) -> bool:
    """Whether an output of a functional Keras model is the result of a softmax."""
    layer = model.outputs[output]._keras_history.operation
    activation = getattr(layer, "activation", None)
    return isinstance(layer, keras.layers.Softmax) or getattr(activation, "__name__", "") == "softmax"


def _apart(wanted: Any, got: Any, is_softmax: bool) -> Any:
    """The mean squared difference, over the variance of what is wanted."""
    if is_softmax:
        wanted, got = (_scores(x) for x in (wanted, got))
    spread = tf.math.reduce_variance(wanted)
    return tf.reduce_mean(tf.square(wanted - got)) / tf.maximum(spread, 1e-9)


def _scores(probabilities: Any) -> Any:
    logs = tf.math.log(probabilities + _LEAST)
    return logs - tf.reduce_mean(logs, axis=-1, keepdims=True)

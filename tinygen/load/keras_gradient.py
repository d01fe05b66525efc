"""Which way an input must go to make a float model's loss grow. Imports TensorFlow.

Place in the flow: health.py calls it in the child process, for the FGSM shift of quantize/robust.py.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from tinygen.errors import TinygenError
from tinygen.load.arrays import Array, Samples
from tinygen.load.keras_model import FloatModel


def directions(
    model: FloatModel, shapes: Mapping[str, tuple[int, ...]], samples: Samples, classes: Array | None
) -> dict[str, Array]:
    """Signs (-1, 0, 1) of the loss's gradient, (N, ...) float32, by the names of the inputs that are no numbers.

    The loss is the cross-entropy of the class; without classes (N,) that of the float model's own top-1 class if the
    first output is a probability for each, else the sum of that output. Raises TinygenError if there is no gradient.
    """
    names = [t.name for t in model.inputs]
    free = [i for i, name in enumerate(names) if name not in model.numbers]
    count = len(samples[names[0]])

    def given(k: int) -> list[Array]:
        return [samples[name][k].reshape(shapes[name]) for name in names]

    first = np.asarray(model.call(*(tf.constant(x) for x in given(0)))[0]).ravel()
    are_probabilities = first.size > 1 and first.min() >= 0 and abs(float(first.sum()) - 1) < 1e-3
    knows_classes = classes is not None or are_probabilities

    def gradients(wanted: tf.Tensor, *inputs: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            for i in free:
                tape.watch(inputs[i])
            scores = tf.reshape(model.call(*inputs)[0], [-1])
            chosen = tf.where(wanted < 0, tf.argmax(scores), wanted)
            if are_probabilities:
                loss = -tf.math.log(scores[chosen] + 1e-12)
            elif knows_classes:
                loss = tf.reduce_logsumexp(scores) - scores[chosen]
            else:
                loss = tf.reduce_sum(scores)
        return list(tape.gradient(loss, [inputs[i] for i in free]))

    found: list[list[Array]] = []
    try:
        step = tf.function(gradients, autograph=False)
        for k in range(count):
            wanted = tf.constant(-1 if classes is None else int(classes[k]), tf.int64)
            slopes = step(wanted, *(tf.constant(x) for x in given(k)))
            found.append([np.sign(np.asarray(slope)) for slope in slopes])
    except Exception as error:  # whatever an operator without a gradient raises
        raise TinygenError(f"the model has no gradient: {' '.join(str(error).split())[:120]}") from error
    return {
        names[i]: np.stack([row[k] for row in found]).reshape(samples[names[i]].shape).astype(np.float32)
        for k, i in enumerate(free)
    }

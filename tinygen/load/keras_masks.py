"""Masked attention of Keras is computed so that it can be quantized.

Place in the flow: keras_model.py calls `quantizable_masks` once, before it loads anything. Importing it imports
TensorFlow.

Keras takes scores out of a softmax by setting them to -1e9, or to 0.7 of the lowest float there is. In int8 that leaves
one step for all the others: every word would be attended alike. A score that lies `_BELOW` under the lowest is out as
well (e^-8 of what the lowest counts for, far less than a step of the result), and leaves the steps to the others.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras.src.backend.tensorflow import nn

_BELOW = 8.0


def quantizable_masks() -> None:
    """Replace how Softmax and the attention layers of Keras mask their scores, in this process."""
    if getattr(keras.layers.Softmax, "_masks_gently", False):
        return
    softmax, attention = keras.layers.Softmax.call, keras.layers.Attention._apply_scores

    def call(self: Any, inputs: Any, mask: Any = None) -> Any:
        return softmax(self, inputs if mask is None else _without(inputs, mask))

    def apply_scores(self: Any, scores: Any, value: Any, scores_mask: Any = None, training: bool = False) -> Any:
        if scores_mask is not None:
            scores = _without(scores, scores_mask[:, None] if len(scores_mask.shape) == 2 else scores_mask)
        return attention(self, scores, value, None, training)

    def apply_masks(logits: Any, mask: Any, is_causal: bool) -> Any:
        before = tf.linalg.band_part(tf.ones(logits.shape[2:], tf.bool), -1, 0)[None, None] if is_causal else None
        both = [part for part in (mask, before) if part is not None]
        return _without(logits, both[0] if len(both) == 1 else tf.logical_and(*both)) if both else logits

    keras.layers.Softmax.call, keras.layers.Attention._apply_scores = call, apply_scores
    nn._apply_masks = apply_masks
    keras.layers.Softmax._masks_gently = True


def _without(scores: Any, mask: Any) -> Any:
    """The scores, those where the mask is false (or at most 0.5) as if they were `_BELOW` under the lowest of all."""
    keep = mask if mask.dtype in ("bool", tf.bool) else mask > 0.5
    return tf.where(keep, scores, tf.reduce_min(scores) - _BELOW)

"""Attention, and words."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from tests.zoo.building import model, sequential


def attention() -> Any:
    """A transformer's block: attention with LayerNorm before, and two dense layers with GELU."""

    def body(x: Any) -> Any:
        y = layers.LayerNormalization()(x)
        x = layers.Add()([x, layers.MultiHeadAttention(2, 4)(y, y)])
        y = layers.Dense(16, activation="gelu")(layers.LayerNormalization()(x))
        x = layers.Add()([x, layers.Dense(8)(y)])
        return layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling1D()(x))

    return model((6, 8), body)


def attention_only() -> Any:
    def body(x: Any) -> Any:
        return layers.Dense(3)(layers.Add()([x, layers.MultiHeadAttention(2, 4)(x, x)]))

    return model((6, 8), body)


def attention_causal() -> Any:
    """No step sees those behind it, in each of the three attention layers."""

    def body(x: Any) -> Any:
        x = layers.Add()([x, layers.MultiHeadAttention(2, 4)(x, x, use_causal_mask=True)])
        y = layers.Attention()([x, layers.Dense(8)(x)], use_causal_mask=True)
        return layers.Concatenate()([layers.Dense(3)(y), layers.AdditiveAttention()([y, x], use_causal_mask=True)])

    return model((6, 8), body)


def attention_masked() -> Any:
    """Word 0 is not attended to."""

    def body(x: Any) -> Any:
        y = layers.Embedding(9, 8, mask_zero=True)(x)
        y = layers.Add()([y, layers.MultiHeadAttention(2, 4)(y, y)])
        return layers.Dense(3)(layers.GlobalAveragePooling1D()(y))

    return model((6,), body)


def dot_product() -> Any:
    """Dot of two branches, one over features and one over time."""

    def body(x: Any) -> Any:
        a, b = layers.Dense(4)(x), layers.Dense(4)(x)
        weights = layers.Softmax()(layers.Dot((2, 2))([a, b]))
        return layers.Dot((2, 1))([weights, layers.Dense(3)(x)])

    return model((6, 5), body)


def additive_attention() -> Any:
    def body(x: Any) -> Any:
        q, k = layers.Dense(4)(x), layers.Dense(4)(x)
        return layers.Concatenate()([layers.Attention()([q, k]), layers.AdditiveAttention()([q, k])])

    return model((5, 6), body)


def embedding() -> Any:
    return sequential((6,), layers.Embedding(9, 4), layers.GlobalAveragePooling1D(), layers.Dense(2))


def embedding_lstm() -> Any:
    """Fused, behind words."""
    return sequential((6,), layers.Embedding(9, 5), layers.LSTM(4), layers.Dense(2))


def embedding_masked() -> Any:
    """Word 0 stands for nothing."""
    return sequential((6,), layers.Embedding(9, 4, mask_zero=True), layers.GlobalAveragePooling1D(), layers.Dense(2))


def embedding_of_positions() -> Any:
    """As a transformer begins: what a word is, and where it stands."""

    def body(x: Any) -> Any:
        places = layers.Embedding(6, 8)(keras.ops.arange(6))
        y = layers.Add()([layers.Embedding(9, 8)(x), places])
        y = layers.Add()([y, layers.MultiHeadAttention(2, 4)(y, y)])
        return layers.Dense(3)(layers.GlobalAveragePooling1D()(y))

    return model((6,), body)

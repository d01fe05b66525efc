"""Functions and normalizations that are easily overlooked, one model each."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from tests.zoo.building import model, sequential


def _activation(*names: str) -> Any:
    def body(x: Any) -> Any:
        for name in names:
            x = layers.Activation(name)(layers.Dense(10)(x))
        return x

    return model((12,), body)


def elu() -> Any:
    return _activation("elu")


def selu() -> Any:
    return _activation("selu")


def gelu() -> Any:
    return _activation("gelu")


def gelu_tanh() -> Any:
    return sequential((12,), layers.Dense(10), lambda x: keras.activations.gelu(x, approximate=True))


def swish() -> Any:
    return _activation("swish", "swish")


def softplus() -> Any:
    return _activation("softplus")


def softsign() -> Any:
    return _activation("softsign")


def mish() -> Any:
    return _activation("mish")


def exponential() -> Any:
    return _activation("exponential")


def hard_sigmoid() -> Any:
    return _activation("hard_sigmoid", "sigmoid", "tanh")


def log_softmax() -> Any:
    return _activation("log_softmax")


def relu_variants() -> Any:
    return sequential(
        (6, 6, 3),
        layers.Conv2D(4, 3),
        layers.LeakyReLU(0.2),
        layers.Conv2D(4, 1),
        layers.ReLU(threshold=0.2),
        layers.Conv2D(4, 1),
        layers.ReLU(1.0),
    )


def relu6_with_slope() -> Any:
    return sequential((6, 6, 3), layers.Conv2D(4, 3), layers.ReLU(6.0, 0.1))


def prelu() -> Any:
    start = keras.initializers.RandomUniform(0.1, 0.5, 1)
    return sequential(
        (6, 6, 3),
        layers.Conv2D(4, 3),
        layers.PReLU(start, shared_axes=(1, 2)),
        layers.Conv2D(4, 1),
        layers.PReLU(start),
    )


def layer_normalization() -> Any:
    return sequential((5, 8), layers.LayerNormalization(), layers.Dense(4))


def group_normalization() -> Any:
    return sequential((6, 6, 3), layers.Conv2D(8, 3), layers.GroupNormalization(4), layers.Dense(4))


def rms_normalization() -> Any:
    return sequential((5, 8), layers.RMSNormalization(), layers.Dense(4))


def unit_normalization() -> Any:
    return sequential((10,), layers.Dense(8), layers.UnitNormalization())


def batch_normalization() -> Any:
    """On its own, where no convolution can take it in."""
    return sequential((6, 6, 3), layers.BatchNormalization(), layers.MaxPooling2D(), layers.BatchNormalization())


def rescaling() -> Any:
    return sequential((8, 8, 3), layers.Rescaling(1 / 2, -0.25), layers.Conv2D(4, 3, 2, activation="relu"))

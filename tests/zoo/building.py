"""What the models of the zoo are put together with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import layers


def model(shape: tuple[int, ...], body: Callable[[Any], Any]) -> Any:
    x = keras.Input(shape, name="x")
    return keras.Model(x, body(x))


def chain(*parts: Any) -> Callable[[Any], Any]:
    def run(x: Any) -> Any:
        for part in parts:
            x = part(x)
        return x

    return run


def sequential(shape: tuple[int, ...], *parts: Any) -> Any:
    return model(shape, chain(*parts))


def conv_bn(x: Any, filters: int, size: int = 3, stride: int = 1, activation: str | None = "relu6") -> Any:
    x = layers.Conv2D(filters, size, stride, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    return layers.Activation(activation)(x) if activation else x

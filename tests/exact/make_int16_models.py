"""Builds Keras models and converts them with int16 activations, as `tinygen quantize --activations int16` does.

A script, for it imports TensorFlow: into the folder given, NAME/model.tflite for every function of MODELS.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.update(
    TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="0", CUDA_VISIBLE_DEVICES="-1", KERAS_BACKEND="tensorflow"
)

import keras
import numpy as np
from keras import layers, ops

from tests.support.silent import Silent
from tinygen.load.keras_job import Job
from tinygen.load.worker import run

MODELS: dict[str, Callable[[], Any]] = {}


def model(function: Callable[..., Any]) -> Callable[..., Any]:
    """Registers a function from an input to an output, or a tuple of them; its default argument is the shape."""
    (shape,) = function.__defaults__ or ()

    def make() -> Any:
        x = keras.Input(shape)
        return keras.Model(x, function(x))

    MODELS[function.__name__] = make
    return function


def _block(x: Any, filters: int, stride: int = 1) -> Any:
    """Depthwise and pointwise convolution, each with batch normalization."""
    x = layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Conv2D(filters, 1, use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization()(x))


@model
def kws(x: Any = (25, 10, 1)) -> Any:
    x = layers.Conv2D(8, (10, 4), 2, padding="same", activation="relu")(x)
    x = _block(_block(x, 12), 12)
    x = layers.AveragePooling2D((3, 2))(x)
    return layers.Dense(12, activation="softmax")(layers.Flatten()(x))


@model
def residual(x: Any = (16, 16, 3)) -> Any:
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    y = layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    x = layers.ReLU()(layers.Add()([x, layers.Conv2D(8, 3, padding="same")(y)]))
    x = layers.MaxPooling2D(2)(x)
    y = layers.Conv2D(16, 3, 2, padding="same", activation="relu")(x)
    x = layers.Add()([layers.Conv2D(16, 1, 2)(x), layers.Conv2D(16, 3, padding="same")(y)])
    return layers.Dense(10)(layers.GlobalAveragePooling2D()(x))


@model
def autoencoder(x: Any = (80,)) -> Any:
    for width in (32, 32, 8, 32, 32):
        x = layers.ReLU()(layers.BatchNormalization()(layers.Dense(width)(x)))
    return layers.Dense(80)(x)


@model
def convolution_1d(x: Any = (40, 6)) -> Any:
    for dilation in (1, 2, 4):
        y = layers.Conv1D(8, 3, padding="causal", dilation_rate=dilation, activation="relu")(x)
        x = y if dilation == 1 else layers.Add()([x, y])
    x = layers.MaxPooling1D(2)(layers.SeparableConv1D(6, 3)(x))
    return layers.Dense(4, activation="softmax")(layers.GlobalAveragePooling1D()(x))


@model
def heads(x: Any = (24,)) -> Any:
    x = layers.LeakyReLU()(layers.Dense(16)(x))
    return tuple(layers.Dense(5, activation=a)(x) for a in ("sigmoid", "tanh", "softmax", "swish", "relu6"))


@model
def mobilenet(x: Any = (12, 12, 3)) -> Any:
    """An inverted residual with squeeze and excitation."""
    x = layers.Conv2D(8, 3, 2, padding="same", activation="relu6")(x)
    y = layers.Conv2D(24, 1, activation="relu6")(x)
    y = layers.DepthwiseConv2D(3, padding="same", activation="relu6")(y)
    gate = layers.GlobalAveragePooling2D(keepdims=True)(y)
    gate = layers.Conv2D(24, 1, activation="hard_sigmoid")(layers.Conv2D(6, 1, activation="relu")(gate))
    x = layers.Add()([x, layers.Conv2D(8, 1)(layers.Multiply()([y, gate]))])
    return layers.Conv2D(5, 1)(layers.ZeroPadding2D(((0, 1), (1, 0)))(x))


@model
def unet(x: Any = (8, 8, 2)) -> Any:
    x = layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    y = layers.Conv2D(8, 3, padding="same", activation="tanh")(layers.MaxPooling2D(2)(x))
    y = layers.Conv2DTranspose(4, 3, 2, padding="same", activation="relu")(y)
    x = layers.Conv2D(3, 3, padding="same")(layers.Concatenate()([x, y]))
    return layers.Cropping2D(1)(layers.Subtract()([x, layers.Conv2D(3, 1)(y)]))


@model
def attention(x: Any = (6, 8)) -> Any:
    x = layers.Add()([x, layers.MultiHeadAttention(2, 4)(x, x)])
    return layers.Dense(3)(layers.Dense(12, activation="relu")(x))


@model
def gru(x: Any = (4, 3)) -> Any:
    return layers.Dense(2)(layers.GRU(5, unroll=True)(x))


@model
def lstm(x: Any = (4, 3)) -> Any:
    return layers.Dense(2)(layers.LSTM(5, unroll=True)(x))


@model
def functions(x: Any = (5, 4, 6)) -> Any:
    """What stands in TFLM too, besides the layers above."""
    a, b = layers.Conv2D(6, 1)(x), layers.Conv2D(6, 1)(x)
    y = ops.maximum(a, b) - ops.minimum(a, b)
    y = ops.rsqrt(ops.abs(y) + 1.0) * x
    y = ops.stack([ops.sum(y, axis=1), ops.mean(y, axis=2)[:, :4]], axis=1)
    first, second = ops.split(y, 2, axis=3)
    y = ops.transpose(ops.concatenate([second, first[:, :, :, ::-1]], axis=3), (0, 2, 1, 3))
    return layers.ReLU()(y)


@model
def beyond_tflm(x: Any = (6, 6, 4)) -> Any:
    """What TFLM does not have in int16."""
    y = layers.Conv2D(4, 3, padding="same", activation="gelu")(x)
    y = layers.UpSampling2D(2, interpolation="bilinear")(y)
    z = layers.UpSampling2D(2)(layers.Conv2D(4, 1, activation="softplus")(x))
    y = layers.Add()([y, z])
    return (
        layers.GlobalMaxPooling2D()(y),
        ops.min(y, axis=(1, 2)),
        ops.prod(y[:, 3:5, 4:6], axis=(1, 2)),
        ops.pad(y, ((0, 0), (1, 1), (2, 1), (0, 0)), "reflect"),
    )


def main() -> None:
    folder = Path(sys.argv[1])
    for name, make in MODELS.items():
        keras.utils.set_random_seed(4)
        made = make()
        for weight in made.weights:
            if "variance" not in weight.path and "kernel" not in weight.path:
                weight.assign(np.asarray(weight) + np.random.normal(0.0, 0.1, weight.shape))
        (folder / name).mkdir()
        made.save(folder / f"{name}.keras")
        os.chdir(folder / name)
        run(Job(str(folder / f"{name}.keras"), True, None, False, {}, False, "int16"), Silent())


if __name__ == "__main__":
    main()

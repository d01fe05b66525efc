"""Image models of the zoo, and what they are built of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from tests.zoo.building import conv_bn, model, sequential


def mobilenet_v2() -> Any:
    """Inverted residuals with ReLU6."""

    def block(x: Any, filters: int, stride: int) -> Any:
        y = conv_bn(x, x.shape[-1] * 3, 1)
        y = layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False)(y)
        y = layers.ReLU(6.0)(layers.BatchNormalization()(y))
        y = conv_bn(y, filters, 1, activation=None)
        return layers.Add()([x, y]) if stride == 1 and x.shape[-1] == filters else y

    def body(x: Any) -> Any:
        x = block(block(block(conv_bn(x, 8, stride=2), 8, 1), 12, 2), 12, 1)
        return layers.Dense(5, activation="softmax")(layers.GlobalAveragePooling2D()(x))

    return model((24, 24, 3), body)


def _squeeze_excite(x: Any, gate: str) -> Any:
    y = layers.GlobalAveragePooling2D(keepdims=True)(x)
    y = layers.Conv2D(4, 1, activation="relu")(y)
    return layers.Multiply()([x, layers.Conv2D(x.shape[-1], 1, activation=gate)(y)])


def mobilenet_v3() -> Any:
    """hard_swish, and squeeze and excite with hard_sigmoid."""

    def block(x: Any, filters: int, stride: int, size: int) -> Any:
        y = conv_bn(x, x.shape[-1] * 2, 1, activation="hard_swish")
        y = layers.DepthwiseConv2D(size, stride, padding="same", use_bias=False)(y)
        y = layers.Activation("hard_swish")(layers.BatchNormalization()(y))
        y = conv_bn(_squeeze_excite(y, "hard_sigmoid"), filters, 1, activation=None)
        return layers.Add()([x, y]) if stride == 1 and x.shape[-1] == filters else y

    def body(x: Any) -> Any:
        x = block(block(conv_bn(x, 8, stride=2, activation="hard_swish"), 8, 1, 3), 12, 2, 5)
        x = layers.GlobalAveragePooling2D(keepdims=True)(x)
        x = layers.Conv2D(16, 1, activation="hard_swish")(x)
        return layers.Flatten()(layers.Conv2D(4, 1)(x))

    return model((20, 20, 3), body)


def squeeze_excite() -> Any:
    return model((10, 9, 6), lambda x: _squeeze_excite(conv_bn(x, 8), "sigmoid"))


def _unet(up: Callable[[Any, int], Any]) -> Any:
    def body(x: Any) -> Any:
        first = conv_bn(x, 4, activation="relu")
        second = conv_bn(layers.MaxPooling2D()(first), 8, activation="relu")
        bottom = conv_bn(layers.MaxPooling2D()(second), 12, activation="relu")
        x = conv_bn(layers.Concatenate()([up(bottom, 8), second]), 8, activation="relu")
        x = conv_bn(layers.Concatenate()([up(x, 4), first]), 4, activation="relu")
        return layers.Conv2D(2, 1, activation="sigmoid")(x)

    return model((16, 16, 1), body)


def unet_transposed() -> Any:
    return _unet(lambda x, filters: layers.Conv2DTranspose(filters, 2, 2, activation="relu")(x))


def unet_nearest() -> Any:
    return _unet(lambda x, filters: layers.Conv2D(filters, 1)(layers.UpSampling2D()(x)))


def unet_bilinear() -> Any:
    return _unet(lambda x, filters: layers.Conv2D(filters, 1)(layers.UpSampling2D(interpolation="bilinear")(x)))


def yolo_head() -> Any:
    """Two scales: the deep one is resized and joined with the shallow one, each with boxes, scores and classes."""

    def head(x: Any) -> Any:
        x = layers.Reshape((-1, 7))(layers.Conv2D(14, 1)(x))
        xy, wh, scores = x[..., :2], x[..., 2:4], x[..., 4:]
        return layers.Concatenate()([layers.Activation("sigmoid")(xy), wh, layers.Activation("sigmoid")(scores)])

    def body(x: Any) -> Any:
        shallow = conv_bn(conv_bn(x, 6, stride=2), 8, stride=2, activation="leaky_relu")
        deep = conv_bn(shallow, 12, stride=2, activation="leaky_relu")
        up = layers.Resizing(6, 6, interpolation="nearest")(conv_bn(deep, 6, 1))
        return layers.Concatenate(1)([head(deep), head(conv_bn(layers.Concatenate()([up, shallow]), 8))])

    return model((24, 24, 3), body)


def shuffle_block() -> Any:
    """Channel shuffle: RESHAPE, TRANSPOSE, RESHAPE."""

    def body(x: Any) -> Any:
        y = layers.Conv2D(8, 1, groups=2)(x)
        y = layers.Reshape((8, 8, 8))(layers.Permute((1, 2, 4, 3))(layers.Reshape((8, 8, 2, 4))(y)))
        return layers.Concatenate()([layers.DepthwiseConv2D(3, padding="same")(y), x])

    return model((8, 8, 8), body)


def autoencoder_dense() -> Any:
    sizes = (16, 4, 16)
    return sequential((40,), *(layers.Dense(n, activation="relu") for n in sizes), layers.Dense(40))


def autoencoder_conv() -> Any:
    return sequential(
        (12, 12, 1),
        layers.Conv2D(6, 3, 2, padding="same", activation="relu"),
        layers.Conv2D(3, 3, 2, padding="same", activation="relu"),
        layers.Conv2DTranspose(6, 3, 2, padding="same", activation="relu"),
        layers.Conv2DTranspose(1, 3, 2, padding="same", activation="sigmoid"),
    )


def two_inputs_two_outputs() -> Any:
    image, numbers = keras.Input((8, 8, 2), name="image"), keras.Input((6,), name="numbers")
    x = layers.Flatten()(layers.Conv2D(4, 3, 2, activation="relu")(image))
    joined = layers.Concatenate()([x, layers.Dense(5, activation="tanh")(numbers)])
    classes = layers.Dense(3, activation="softmax", name="classes")(joined)
    return keras.Model([image, numbers], [classes, layers.Dense(2, name="place")(layers.Dense(8)(joined))])


def dense_block() -> Any:
    """A block of DenseNet: concatenation upon concatenation."""

    def body(x: Any) -> Any:
        for _ in range(3):
            x = layers.Concatenate()([x, layers.Conv2D(3, 3, padding="same", activation="relu")(x)])
        return x

    return model((6, 6, 3), body)


def attention_gate() -> Any:
    """A gate of one channel, spread over all of them, and one of one row."""

    def body(x: Any) -> Any:
        x = layers.Conv2D(6, 3)(x)
        gate = layers.Conv2D(1, 1, activation="sigmoid")(x)
        rows = layers.Conv2D(6, (6, 1), activation="tanh")(x)
        return layers.Subtract()([layers.Multiply()([x, gate]), rows])

    return model((8, 8, 3), body)

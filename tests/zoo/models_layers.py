"""Layers that are easily overlooked: resizing, padding, merging, shapes."""

from __future__ import annotations

from typing import Any

from keras import layers

from tests.zoo.building import model, sequential


def upsampling_nearest() -> Any:
    return sequential((4, 5, 3), layers.Conv2D(4, 1), layers.UpSampling2D((2, 3)), layers.Conv2D(2, 3))


def upsampling_bilinear() -> Any:
    return sequential(
        (4, 5, 3), layers.Conv2D(4, 1), layers.UpSampling2D(2, interpolation="bilinear"), layers.Conv2D(2, 3)
    )


def upsampling_1d() -> Any:
    return sequential((6, 3), layers.Conv1D(4, 1), layers.UpSampling1D(3), layers.Conv1D(2, 3))


def padding_and_cropping() -> Any:
    return sequential(
        (8, 8, 2),
        layers.ZeroPadding2D(((1, 2), (0, 1))),
        layers.DepthwiseConv2D(3, depth_multiplier=2),
        layers.ZeroPadding2D(1),
        layers.MaxPooling2D(2),
        layers.Cropping2D(((1, 0), (0, 1))),
        layers.SpatialDropout2D(0.2),
        layers.Conv2D(3, 1),
    )


def merges() -> Any:
    """Every merging layer of Keras on branches of the same shape."""

    def body(x: Any) -> Any:
        a, b = layers.Conv2D(4, 1)(x), layers.Conv2D(4, 1)(x)
        kinds = (layers.Maximum, layers.Minimum, layers.Subtract, layers.Multiply, layers.Average, layers.Add)
        return layers.Concatenate()([kind()([a, b]) for kind in kinds])

    return model((5, 5, 3), body)


def merges_of_three() -> Any:
    def body(x: Any) -> Any:
        branches = [layers.Dense(6)(x) for _ in range(3)]
        kinds = (layers.Maximum, layers.Multiply, layers.Average, layers.Add)
        return layers.Concatenate()([kind()(branches) for kind in kinds])

    return model((7,), body)


def transposed_convolutions() -> Any:
    return sequential(
        (5, 4, 3),
        layers.Conv2DTranspose(4, 3, (2, 1), padding="same", activation="relu"),
        layers.Conv2DTranspose(3, (2, 3), 2, padding="valid"),
        layers.Conv2DTranspose(2, 3, use_bias=False),
    )


def depthwise_multiplier() -> Any:
    return sequential(
        (9, 9, 3),
        layers.DepthwiseConv2D(3, depth_multiplier=2, activation="relu"),
        layers.SeparableConv2D(6, 3, depth_multiplier=2, padding="same", activation="relu6"),
        layers.DepthwiseConv2D(3, dilation_rate=2),
    )


def dilated_and_grouped() -> Any:
    return sequential(
        (12, 12, 4),
        layers.Conv2D(6, 3, dilation_rate=2, padding="same", activation="relu"),
        layers.Conv2D(8, 3, groups=2, activation="relu"),
        layers.Conv2D(4, (1, 3), dilation_rate=(1, 3)),
    )


def pools() -> Any:
    def body(x: Any) -> Any:
        x = layers.Conv2D(4, 3)(x)
        joined = layers.Concatenate()([layers.AveragePooling2D(3, 2, "same")(x), layers.MaxPooling2D(3, 2, "same")(x)])
        return layers.Concatenate()([layers.GlobalMaxPooling2D()(joined), layers.GlobalAveragePooling2D()(joined)])

    return model((11, 11, 2), body)


def shapes() -> Any:
    """Permute, RepeatVector, Reshape and Flatten, whose bytes mostly stay where they are."""

    def body(x: Any) -> Any:
        x = layers.Reshape((10, 1, 3))(layers.Permute((2, 1))(layers.Dense(10)(x)))
        x = layers.Permute((2, 1, 3))(x)  # moves an axis of one: a reshape
        x = layers.Dense(6)(layers.Flatten()(layers.Permute((3, 1, 2))(x)))
        x = layers.RepeatVector(3)(x)
        return layers.Reshape((6, 3))(layers.Reshape((2, 9))(layers.Dense(6)(x)))

    return model((3, 4), body)

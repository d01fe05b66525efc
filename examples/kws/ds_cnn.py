"""The network and its training: the DS-CNN of MLPerf Tiny's keyword spotting benchmark.

Used by train_kws.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from numpy.typing import NDArray

FILTERS = 64
BLOCKS = 4
WEIGHT_DECAY = 1e-4
DROPOUT = 0.2
LABEL_SMOOTHING = 0.05
"""Keeps the scores before the softmax small, so that 8 bits resolve them more finely."""

EPOCHS = 16
BATCH = 64
LEARNING_RATE = 3e-3


def build(input_shape: tuple[int, int, int], classes: int) -> keras.Model:
    """An untrained network: a 10x4 convolution, BLOCKS depthwise separable ones, mean, softmax."""
    decay = keras.regularizers.L2(WEIGHT_DECAY)

    def activated(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
        x = layers.BatchNormalization(name=f"{name}_bn")(x)
        return layers.ReLU(name=f"{name}_relu")(x)

    inputs = keras.Input(input_shape, name="mfcc")
    x = layers.Conv2D(FILTERS, (10, 4), strides=2, padding="same", kernel_regularizer=decay, name="conv")(inputs)
    x = activated(x, "conv")
    x = layers.Dropout(DROPOUT, name="conv_dropout")(x)
    for block in range(1, BLOCKS + 1):
        name = f"depthwise{block}"
        x = layers.DepthwiseConv2D(3, padding="same", depthwise_regularizer=decay, name=name)(x)
        x = activated(x, name)
        name = f"pointwise{block}"
        x = layers.Conv2D(FILTERS, 1, padding="same", kernel_regularizer=decay, name=name)(x)
        x = activated(x, name)
    x = layers.Dropout(DROPOUT, name="dropout")(x)
    x = layers.AveragePooling2D(tuple(x.shape[1:3]), name="pool")(x)
    x = layers.Flatten(name="flatten")(x)
    outputs = layers.Dense(classes, activation="softmax", name="scores")(x)
    return keras.Model(inputs, outputs, name="kws")


def train(x: NDArray[np.float32], y: NDArray[np.int32], classes: int, seed: int) -> keras.Model:
    """A trained network; the same seed gives the same one on the same kind of machine.

    `x` is (samples, frames, coefficients, 1), `y` the label of each sample, below `classes`.
    """
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    model = build(x.shape[1:], classes)
    steps = -(-len(x) // BATCH) * EPOCHS
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)),
        keras.losses.CategoricalCrossentropy(label_smoothing=LABEL_SMOOTHING),
        metrics=["accuracy"],
    )
    model.fit(x, np.eye(classes, dtype=np.float32)[y], batch_size=BATCH, epochs=EPOCHS, verbose=2)
    return model

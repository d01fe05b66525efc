"""Builds the small models of test_keras.py into the folder given: run as a script, it imports TensorFlow.

Beside a model lies NAME.ref.npz: inputs x0, x1, ... and Keras's own outputs y0, y1, ... for them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

os.environ.update(
    TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="0", CUDA_VISIBLE_DEVICES="-1", KERAS_BACKEND="tensorflow"
)

import h5py
import keras
import numpy as np
import tensorflow as tf
from keras import layers

FOLDER = Path(sys.argv[1])
random = np.random.default_rng(3)


def reference(name: str, model: Any, *shapes: tuple[int, ...]) -> None:
    """Random weights, then random inputs and the model's outputs for them."""
    for weight in model.weights:
        value = random.normal(0.0, 0.5, weight.shape)
        weight.assign(np.abs(value) + 0.5 if "variance" in weight.path else value)
    x = [random.uniform(-1, 1, (40, *shape)).astype(np.float32) for shape in shapes]
    y = model(x if len(x) > 1 else x[0], training=False)
    arrays = {f"x{i}": a for i, a in enumerate(x)} | {
        f"y{i}": np.asarray(a) for i, a in enumerate(keras.tree.flatten(y))
    }
    np.savez(FOLDER / f"{name}.ref.npz", **arrays)


def tiny() -> None:
    model = keras.Sequential(
        [
            layers.Input((6, 6, 2), name="image"),
            layers.Conv2D(4, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.DepthwiseConv2D(3, strides=2),
            layers.ReLU(6.0),
            layers.Reshape((4, 1, 4)),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax", name="classes"),
        ]
    )
    reference("tiny", model, (6, 6, 2))
    model.save(FOLDER / "tiny.keras")
    model.compile("adam", "mse")
    model.save(FOLDER / "tiny.h5")
    model.export(FOLDER / "tiny_saved", verbose=False)
    model.save_weights(FOLDER / "tiny.weights.h5")


def two_inputs() -> None:
    """Inputs and outputs whose alphabetical order is not the model's."""
    zeta, alpha = keras.Input((8,), name="zeta"), keras.Input((5,), name="alpha")
    joined = layers.Concatenate()([layers.Dense(4, activation="relu")(zeta), layers.Dense(3)(alpha)])
    model = keras.Model([zeta, alpha], [layers.Dense(3, name="zz")(joined), layers.Dense(2, name="aa")(joined)])
    reference("two", model, (8,), (5,))
    model.save(FOLDER / "two.keras")
    model.export(FOLDER / "two_saved", verbose=False)


def time_axis() -> None:
    model = keras.Sequential(
        [layers.Input((None, 3), name="audio"), layers.Conv1D(4, 3), layers.GlobalAveragePooling1D(), layers.Dense(2)]
    )
    model.save(FOLDER / "time.keras")


def odd_layers() -> None:
    # A lambda is saved as byte code, without the names around it.
    doubled = keras.Sequential([layers.Input((4,)), layers.Lambda(lambda x: x * 2, name="double"), layers.Dense(3)])
    reference("lambda", doubled, (4,))
    doubled.save(FOLDER / "lambda.keras")
    doubled.save(FOLDER / "lambda.h5")
    rows = keras.Input((4, 8))
    looped = layers.Lambda(lambda x: __import__("tensorflow").map_fn(lambda row: row * 2.0, x))(rows)
    keras.Model(rows, looped).save(FOLDER / "loop.keras")

    class Foreign(layers.Layer):
        def call(self, x: Any) -> Any:
            return x

    class Other(Foreign):
        pass

    foreign = keras.Sequential([layers.Input((4,)), Foreign(name="one"), layers.Dense(3), Other(name="two")])
    foreign.save(FOLDER / "foreign.keras")
    keras.Sequential([layers.Dense(2)]).save(FOLDER / "unbuilt.keras")


def words() -> None:
    """Numbers of words: as Keras has them by default (float32), as they should be, wide, padded, in a model inside."""
    makers = {"words": "float32", "words32": "int32", "words64": "int64"}
    for name, dtype in makers.items():
        numbers, image = keras.Input((6,), dtype=dtype, name="words"), keras.Input((4,), dtype="uint8", name="pixels")
        known = layers.Embedding(9, 4, mask_zero=True, name="known")(numbers)
        pixels = layers.Dense(3)(layers.Rescaling(1 / 255)(image))
        both = layers.Concatenate()([layers.GlobalAveragePooling1D()(known), pixels])
        model = keras.Model([numbers, image], layers.Dense(3, name="scores")(both))
        model.save(FOLDER / f"{name}.keras")
    model.export(FOLDER / "words64_saved", verbose=False)
    inside = keras.Sequential([layers.Input((6,)), layers.Embedding(9, 4), layers.Flatten()])
    outside = keras.Input((6,), name="words")
    keras.Model(outside, layers.Dense(2)(inside(outside))).save(FOLDER / "words_inside.keras")


def recurrent() -> None:
    model = keras.Sequential([layers.Input((5, 3)), layers.LSTM(4), layers.Dense(2)])
    reference("lstm", model, (5, 3))
    model.save(FOLDER / "lstm.keras")
    model.export(FOLDER / "lstm_saved", verbose=False)
    x, mask = keras.Input((None, 3), name="x"), layers.Masking(name="padded")
    both = layers.Bidirectional(layers.GRU(2, name="gru"), name="both")(mask(x))
    cells = layers.RNN([layers.SimpleRNNCell(3), layers.GRUCell(2)], unroll=True, name="cells")(x)
    back = layers.LSTM(2, go_backwards=True, name="back")(x)
    start = layers.LSTM(2, name="start")(x, initial_state=[back, back])
    model = keras.Model(x, layers.Concatenate()([both, cells, back, start]))
    reference("rnns", model, (4, 3))
    model.save(FOLDER / "rnns.keras")
    zeta, alpha = keras.Input((4, 2), name="zeta"), keras.Input((6, 3), name="alpha")
    first, second = layers.LSTM(3, return_sequences=True, name="first"), layers.LSTM(2, name="second")
    model = keras.Model(
        [zeta, alpha], [layers.Dense(2, name="zz")(first(zeta)), layers.Dense(1, name="aa")(second(alpha))]
    )
    reference("lstms", model, (4, 2), (6, 3))
    model.save(FOLDER / "lstms.keras")
    x, twice = keras.Input((5, 3), name="x"), layers.LSTM(3, return_sequences=True, name="twice")
    twins = layers.LSTM(3, name="twin")(twice(twice(x)))
    model = keras.Model(x, twins)
    reference("twins", model, (5, 3))
    model.save(FOLDER / "twins.keras")
    wide = layers.Dense(2, name="wide")(x)
    model = keras.Model(x, layers.Concatenate()([layers.LSTM(3, return_sequences=True, name="joined")(x), wide]))
    reference("joined", model, (5, 3))
    model.save(FOLDER / "joined.keras")
    stateful = keras.Input(batch_shape=(1, 4, 3))
    inner = keras.Sequential([layers.GRU(2, stateful=True, name="keeps")], name="inner")
    keras.Model(stateful, layers.Dense(2)(inner(stateful))).save(FOLDER / "stateful.keras")


def diverged() -> None:
    model = keras.Sequential(
        [layers.Input((4,)), layers.Dense(2, kernel_initializer=keras.initializers.Constant(np.nan))]
    )
    model.save(FOLDER / "diverged.keras")


def from_keras2() -> None:
    """What Keras 2 writes and Keras 3 does not read, or reads as something else."""
    model = keras.Sequential(
        [
            layers.Input((6, 6, 2)),
            layers.DepthwiseConv2D(3),
            layers.Flatten(),
            layers.Dense(3, activation="hard_sigmoid"),
        ]
    )
    reference("old", model, (6, 6, 2))
    model.save(FOLDER / "old.h5")
    with h5py.File(FOLDER / "old.h5", "r+") as file:
        config = file.attrs["model_config"]
        file.attrs["model_config"] = config.replace('"depth_multiplier"', '"groups": 1, "depth_multiplier"')
        file.attrs["keras_version"] = "2.15.0"
    model.layers[-1].activation = lambda x: keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)
    with np.load(FOLDER / "old.ref.npz") as reference_file:
        x = reference_file["x0"]
    np.savez(FOLDER / "old.ref.npz", x0=x, y0=np.asarray(keras.Sequential(model.layers)(x)))


def fitted_without_input() -> None:
    """Keras notes the batch size of fit() as the shape of the input."""
    model = keras.Sequential([layers.Dense(4, activation="relu"), layers.Dense(2)])
    model.compile("sgd", "mse")
    model.fit(random.normal(size=(32, 5)), random.normal(size=(32, 2)), batch_size=16, verbose=0)
    model.save(FOLDER / "fitted.h5")


class Plain(tf.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weights = tf.Variable(random.normal(size=(10, 3)).astype(np.float32))

    @tf.function(input_signature=[tf.TensorSpec((10,), tf.float32, name="signal")])
    def project(self, signal: Any) -> Any:
        return {"projection": tf.linalg.matvec(self.weights, signal, transpose_a=True)}

    @tf.function(input_signature=[tf.TensorSpec((None, 4), tf.float32, name="matrix")])
    def svd(self, matrix: Any) -> Any:
        return {"values": tf.linalg.svd(tf.reshape(matrix, (1, 2, 2)))[0]}


def modules() -> None:
    plain = Plain()
    tf.saved_model.save(plain, str(FOLDER / "plain_saved"), signatures=plain.project)
    tf.saved_model.save(plain, str(FOLDER / "svd_saved"), signatures=plain.svd)
    tf.saved_model.save(plain, str(FOLDER / "bare_saved"))
    x = random.uniform(-1, 1, (40, 10)).astype(np.float32)
    np.savez(FOLDER / "plain.ref.npz", x0=x, y0=x @ plain.weights.numpy())


_ALL = (tiny, two_inputs, time_axis, odd_layers, recurrent, words, diverged, from_keras2, fitted_without_input, modules)
for build in _ALL:
    build()

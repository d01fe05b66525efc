"""Makes pairs of a float and an int8 .tflite of one Keras model: run as a script, it imports TensorFlow.

Arguments: the folder for NAME.npz with `floating`, `quantized` (bytes), `x` (calibration) and `x_test`; the names.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.update(
    TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="0", CUDA_VISIBLE_DEVICES="-1", KERAS_BACKEND="tensorflow"
)

import keras
import numpy as np
from keras import layers as L

from tinygen.load import keras_convert, keras_job, keras_model
from tinygen.load.keras_file import prepare


def _separable(factors: np.ndarray | None = None) -> keras.Model:
    """Convolution, depthwise, pointwise; `factors`: channels of the first two made so much larger, smaller behind."""
    x = keras.Input((12, 12, 2), name="x")
    y = L.Conv2D(16, 3, padding="same", activation="relu", name="first")(x)
    y = L.DepthwiseConv2D(3, padding="same", activation="relu", name="depthwise")(y)
    y = L.Conv2D(16, 1, activation="relu", name="pointwise")(y)
    y = L.MaxPooling2D()(y)
    y = L.Conv2D(8, 3, activation="relu", name="last")(y)
    y = L.GlobalAveragePooling2D()(y)
    model = keras.Model(x, L.Dense(5, activation="softmax", name="classes")(y))
    if factors is not None:
        kernel, bias = model.get_layer("first").get_weights()
        model.get_layer("first").set_weights([kernel * factors, bias * factors])
        kernel, bias = model.get_layer("pointwise").get_weights()
        model.get_layer("pointwise").set_weights([kernel / factors[:, None], bias])
    return model


def _autoencoder(factors: np.ndarray | None = None) -> keras.Model:
    """`factors`: channels of the first layer made so much larger, the next one's weights smaller."""
    x = keras.Input((64,), name="x")
    y = x
    for size in (48, 8, 48):
        y = L.Dense(size, activation="relu", name=f"dense_{y.shape[-1]}_to_{size}")(y)
    model = keras.Model(x, L.Dense(64, name="again")(y))
    if factors is not None:
        first, second = model.layers[1:3]
        kernel, bias = first.get_weights()
        first.set_weights([kernel * factors, bias * factors])
        kernel, bias = second.get_weights()
        second.set_weights([kernel / factors[:, None], bias])
    return model


def _branches() -> keras.Model:
    """Sums, joins, means, constants, activations with a table."""
    x = keras.Input((8, 8, 4), name="x")
    a = L.Conv2D(8, 3, padding="same")(x)
    b = L.Conv2D(8, 1, activation="relu6")(x)
    y = L.Add()([a, b])
    y = L.Concatenate()([y, L.Conv2D(8, 3, padding="same", activation="tanh")(L.MaxPooling2D(1)(x))])
    y = L.LeakyReLU()(L.Conv2D(8, 3, strides=2)(y))
    return keras.Model(x, L.Dense(3, activation="sigmoid")(L.Flatten()(y * 1.5)))


def _shared() -> keras.Model:
    """A layer that is used twice."""
    x = keras.Input((16,), name="x")
    layer = L.Dense(16, activation="relu")
    return keras.Model(x, L.Dense(4)(layer(layer(x))))


def _difference() -> keras.Model:
    """The class is the sign of a small difference of two large numbers, which 8 bits do not hold."""
    x = keras.Input((2,), name="x")
    y = L.Dense(32, activation="relu", name="before")(x)
    y = L.Dense(32, activation="relu", name="again")(y)
    y = L.Dense(2, name="wide")(y)
    model = keras.Model(x, L.Dense(2, name="difference")(y))
    through = np.zeros((2, 32), np.float32)
    through[0, 0] = through[1, 1] = 1
    wide = np.zeros((32, 2), np.float32)
    wide[0] = 400
    wide[1] = 3, -3
    model.get_layer("before").set_weights([through, np.zeros(32, np.float32)])
    model.get_layer("again").set_weights([np.eye(32, dtype=np.float32), np.zeros(32, np.float32)])
    model.get_layer("wide").set_weights([wide, np.array([-1.5, 1.5], np.float32)])
    model.get_layer("difference").set_weights([np.array([[1, -1], [-1, 1]], np.float32), np.zeros(2, np.float32)])
    return model


def _model(name: str) -> keras.Model:
    if name == "wide_channels":
        return _separable(np.geomspace(1, 1000, 16).astype(np.float32))
    if name == "wide_autoencoder":
        return _autoencoder(np.geomspace(1, 1000, 48).astype(np.float32))
    made = {
        "outlier": _separable,
        "separable": _separable,
        "autoencoder": _autoencoder,
        "branches": _branches,
        "difference": _difference,
    }
    return made.get(name, _shared)()


def main(folder: Path, names: list[str]) -> None:
    os.chdir(folder)
    for name in names:
        keras.utils.set_random_seed(5)
        rng = np.random.default_rng(5)
        model = _model(name)
        for weight in model.weights:
            if weight.path.endswith("bias") and name != "difference":
                weight.assign(weight + rng.normal(0, 0.1, weight.shape) * (np.abs(weight).max() + 1))
        model.save(f"{name}.keras")
        shape = model.inputs[0].shape[1:]
        x, x_test = (rng.normal(0, 1, (n, *shape)).astype(np.float32) for n in (60, 100))
        if name == "difference":
            x, x_test = (rng.uniform(0, 1, array.shape).astype(np.float32) for array in (x, x_test))
        if name == "outlier":
            x[17] *= 50
        loaded = keras_model.load_model(prepare(Path(f"{name}.keras"), folder, False), False)
        shapes = keras_job.fix_shapes(loaded.inputs, {})
        traced = keras_convert.trace(loaded, shapes)
        floating = keras_convert.convert_float(loaded, shapes, traced)
        quantized = keras_convert.convert(loaded, shapes, traced, ([s[None]] for s in x))
        files = {"floating": floating, "quantized": quantized}
        arrays = {key: np.frombuffer(content, np.uint8) for key, content in files.items()}
        np.savez(f"{name}.npz", x=x, x_test=x_test, **arrays)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])

"""Rebuilds digits.h5 and digits.npz: trains a small network on scikit-learn's handwritten digits.

Needs numpy, scikit-learn and TensorFlow. See README.md beside this file.
"""

import argparse
import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from numpy.typing import NDArray
from sklearn.datasets import load_digits

TEST = 360
"""Images kept for the test: the last ones of the set, which is not shuffled."""

CALIBRATION = 200
EPOCHS = 60
BATCH = 32
LEARNING_RATE = 3e-3

Images = NDArray[np.float32]
Labels = NDArray[np.int64]


def dataset() -> tuple[tuple[Images, Labels], tuple[Images, Labels]]:
    """Training and test part: images (N, 8, 8, 1) from 0.0 to 1.0, and the digits (N,)."""
    digits = load_digits()
    x = (digits.images / 16).astype(np.float32)[..., np.newaxis]
    return (x[:-TEST], digits.target[:-TEST]), (x[-TEST:], digits.target[-TEST:])


def build() -> keras.Model:
    """An untrained network: two 3x3 convolutions, 16 filters with stride 2 and 32 with stride 1, and a dense layer."""
    inputs = keras.Input((8, 8, 1), name="image")
    x = layers.Conv2D(16, 3, strides=2, padding="same", activation="relu", name="conv1")(inputs)
    x = layers.Conv2D(32, 3, padding="same", activation="relu", name="conv2")(x)
    x = layers.MaxPooling2D(name="pool")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dropout(0.3, name="dropout")(x)
    outputs = layers.Dense(10, activation="softmax", name="scores")(x)
    return keras.Model(inputs, outputs, name="digits")


def moved(x: Images, rng: np.random.Generator) -> Images:
    """Every image at its place, or one row or column beside it."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    places = rng.choice([0, 1, 1, 2], (len(x), 2))
    return np.stack([image[r : r + 8, c : c + 8] for image, (r, c) in zip(padded, places, strict=True)])


def train(x: Images, y: Labels, seed: int) -> keras.Model:
    """A trained network; the same seed gives the same one on the same kind of machine."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    rng = np.random.default_rng(seed)
    model = build()
    steps = -(-len(x) // BATCH) * EPOCHS
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)
    model.compile(keras.optimizers.Adam(schedule), keras.losses.SparseCategoricalCrossentropy(), metrics=["accuracy"])
    for _ in range(EPOCHS):
        model.fit(moved(x, rng), y, batch_size=BATCH, epochs=1, verbose=0)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder of digits.h5 and digits.npz")
    parser.add_argument("--seed", type=int, default=1, help="of everything random (default: 1)")
    arguments = parser.parse_args()

    (x, y), (x_test, y_test) = dataset()
    model = train(x, y, arguments.seed)
    right = np.argmax(model.predict(x_test, verbose=0), axis=1) == y_test
    print(f"accuracy on {len(y_test)} test images: {np.mean(right):.2%}")

    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=arguments.out) as folder:
        model.save(Path(folder) / "digits.h5", include_optimizer=False)
        np.savez_compressed(
            Path(folder) / "digits.npz",
            x_calibration=x[:CALIBRATION],
            x_test=x_test,
            y_test=y_test.astype(np.int32),
            labels=np.array([str(digit) for digit in range(10)]),
        )
        for name in ("digits.h5", "digits.npz"):
            (Path(folder) / name).replace(arguments.out / name)
            print(f"{arguments.out / name}: {(arguments.out / name).stat().st_size:,} bytes")


if __name__ == "__main__":
    main()

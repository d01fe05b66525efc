"""Rebuilds gestures.h5, gestures.npz and recordings.npy: exercises told apart by a watch's acceleration and rotation.

Needs numpy, TensorFlow, seglearn (it ships the recordings) and tinygen. See README.md beside this file.
"""

import argparse
import tempfile
from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from numpy.typing import NDArray

from tinygen.features import Definition, compute, load_definition

HERE = Path(__file__).parent
TEST_PEOPLE = (8, 9, 10)
"""The last three of ten: nothing of theirs is in the training."""

UNITS = np.array([8192.0] * 3 + [65.5 * 180 / np.pi] * 3)
"""An MPU6050's counts at +-4 g and +-500 degrees a second, of the recordings' g and rad/s."""

LABELS = (
    "pendulum",
    "abduction",
    "forward elevation",
    "internal rotation",
    "external rotation",
    "trapezius extension",
    "upright row",
)
FRAMES = 4
CALIBRATION = 200
PLAYED = 300
EPOCHS = 25

Samples = NDArray[np.int16]
Windows = NDArray[np.float32]
Labels = NDArray[np.int64]


def recordings() -> tuple[list[Samples], Labels, Labels]:
    """The recordings as the sensor would have given them, int16 (time, 6); their exercises and people, (140,) each."""
    # its data file alone: seglearn itself imports scikit-learn, pandas and scipy
    package = find_spec("seglearn")
    if package is None or package.origin is None:
        raise SystemExit("seglearn is not installed: pip install seglearn")
    data = np.load(Path(package.origin).parent / "data" / "watch_dataset.npy", allow_pickle=True).item()
    samples = [np.clip(np.rint(x * UNITS), -32768, 32767).astype(np.int16) for x in data["X"]]
    return samples, np.array(data["y"], np.int64), np.array(data["subject"], np.int64)


def windows(samples: list[Samples], y: Labels, table: Definition, step: int) -> tuple[Windows, Labels]:
    """Windows (N, FRAMES, features) of all recordings, one every `step` seconds, and what is done in them (N,)."""
    x, labels = [], []
    for recording, label in zip(samples, y, strict=True):
        frames = compute(recording, table)
        made = [frames[at : at + FRAMES] for at in range(0, len(frames) - FRAMES + 1, step)]
        x += made
        labels += [label] * len(made)
    return np.stack(x), np.array(labels)


def build(features: int) -> keras.Model:
    """An untrained network: two convolutions over time, their mean, a dense layer."""
    inputs = keras.Input((FRAMES, features), name="frames")
    x = layers.Conv1D(24, 1, activation="relu", name="conv1")(inputs)
    x = layers.Conv1D(24, 2, activation="relu", name="conv2")(x)
    x = layers.GlobalAveragePooling1D(name="mean")(x)
    x = layers.Dropout(0.3, name="dropout")(x)
    outputs = layers.Dense(len(LABELS), activation="softmax", name="scores")(x)
    return keras.Model(inputs, outputs, name="gestures")


def train(x: Windows, y: Labels, seed: int) -> keras.Model:
    """A trained network; the same seed gives the same one on the same kind of machine."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    model = build(x.shape[-1])
    model.compile(keras.optimizers.Adam(2e-3), keras.losses.SparseCategoricalCrossentropy(), metrics=["accuracy"])
    model.fit(x, y, epochs=EPOCHS, batch_size=64, verbose=0)
    return model


def played(samples: list[Samples], y: Labels, people: Labels) -> tuple[Samples, Labels]:
    """The middle 6 s of one recording of each test person and exercise: (21, PLAYED, 6), and the exercises (21,)."""
    chosen = []
    for person in TEST_PEOPLE:
        for label in range(len(LABELS)):
            chosen.append(int(np.flatnonzero((people == person) & (y == label))[0]))
    middles = [len(samples[i]) // 2 - PLAYED // 2 for i in chosen]
    return np.stack([samples[i][m : m + PLAYED] for i, m in zip(chosen, middles, strict=True)]), y[chosen]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, default=HERE, help="folder of the three files")
    parser.add_argument("--seed", type=int, default=1, help="of everything random (default: 1)")
    arguments = parser.parse_args()

    table = load_definition(HERE / "gestures.toml")
    samples, y, people = recordings()
    is_test = np.isin(people, TEST_PEOPLE)
    mine = [samples[i] for i in np.flatnonzero(~is_test)]
    x_train, y_train = windows(mine, y[~is_test], table, 1)
    raw = (x_train.reshape(-1, len(table.statistics)) * table.scale) + table.offset
    print(f"of the training: offset = {raw.mean(axis=0).round()}, scale = {raw.std(axis=0).round()}")
    model = train(x_train, y_train, arguments.seed)
    # windows that share no sample
    x_test, y_test = windows([samples[i] for i in np.flatnonzero(is_test)], y[is_test], table, FRAMES)
    right = np.argmax(model.predict(x_test, verbose=0), axis=1) == y_test
    print(f"accuracy on {len(y_test)} windows of people {TEST_PEOPLE}: {np.mean(right):.2%}")

    arguments.out.mkdir(parents=True, exist_ok=True)
    play, play_y = played(samples, y, people)
    calibration = np.random.default_rng(arguments.seed).choice(len(x_train), CALIBRATION, replace=False)
    with tempfile.TemporaryDirectory(dir=arguments.out) as name:
        folder = Path(name)
        model.save(folder / "gestures.h5", include_optimizer=False)
        np.save(folder / "recordings.npy", play)
        np.savez_compressed(
            folder / "gestures.npz",
            x_calibration=x_train[calibration].astype(np.float16),
            x_test=x_test.astype(np.float16),
            y_test=y_test.astype(np.int32),
            y_recordings=play_y.astype(np.int32),
            labels=np.array(LABELS),
        )
        for file in sorted(folder.iterdir()):
            file.replace(arguments.out / file.name)
            print(f"{arguments.out / file.name}: {(arguments.out / file.name).stat().st_size:,} bytes")


if __name__ == "__main__":
    main()

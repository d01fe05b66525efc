"""Builds models of the zoo and quantizes them with tinygen's own loader: run as a script, it imports TensorFlow.

Arguments: the folder for NAME.tflite and NAME.npz (the float model's outputs for the samples), then names. Prints one
JSON object of results: the loader's, or {"error": "message | hint"}.
"""

from __future__ import annotations

import json
import os
import sys
import zlib
from pathlib import Path

os.environ.update(
    TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="0", CUDA_VISIBLE_DEVICES="-1", KERAS_BACKEND="tensorflow"
)

import keras
import numpy as np

from tests.support.silent import Silent
from tests.zoo.models import builder
from tinygen.errors import TinygenError
from tinygen.load import keras_job
from tinygen.load.keras_job import Job
from tinygen.load.worker import run

SAMPLES = 24


def result_of(name: str, folder: Path) -> dict[str, object]:
    """The model under its name in the folder, built, saved, loaded and quantized."""
    seed = zlib.crc32(name.encode())
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    model = builder(name)()
    for weight in model.weights:
        if "moving" in weight.path or "beta" in weight.path:
            weight.assign(rng.uniform(0.2, 0.8, weight.shape))
    model.save(folder / f"{name}.keras")
    data = folder / f"{name}_data.npz"
    np.savez(data, **{x.name: _samples(rng, name, x.shape[1:]) for x in model.inputs})
    try:
        result = run(Job(str(folder / f"{name}.keras"), True, str(data), True, {}, False), Silent())
    except TinygenError as error:
        return {"error": f"{error} | {error.hint}"}
    Path(keras_job.MODEL_FILE).rename(folder / f"{name}.tflite")
    Path(keras_job.OUTPUTS_FILE).rename(folder / f"{name}.npz")
    return result


def _samples(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> np.ndarray:
    words = name.startswith("embedding") or name == "attention_masked"
    x = rng.integers(0, 9, (SAMPLES, *shape)) if words else rng.normal(0, 0.5, (SAMPLES, *shape)).clip(-1, 1)
    return x.astype(np.float32)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    os.chdir(target)
    print(json.dumps({name: result_of(name, target) for name in sys.argv[2:]}))

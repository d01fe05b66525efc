"""What int8 costs in accuracy on real data: float, the converter alone and tinygen's default side by side.

`make accuracy` writes bench/accuracy.json and docs/accuracy.md, and fails when tinygen loses more than 0.3 % on a task,
or is below the converter by more than chance. Parts of it: `python -m tests.support.accuracy mnist hard`, say.
Both int8 files run in TensorFlow Lite Micro: what it computes, a board with tinygen's C computes to the bit.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.update(
    TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="0", CUDA_VISIBLE_DEVICES="-1", KERAS_BACKEND="tensorflow"
)

import keras
import numpy as np

from tests.support.accuracy_hard import hard_models
from tests.support.accuracy_page import FIGURES, failures, page, write_page
from tests.support.accuracy_small import compressed_kws
from tests.support.accuracy_tasks import TASKS, Split, Task
from tests.support.tflm import Tflm
from tinygen.ir import Array
from tinygen.load import keras_convert, keras_job, keras_model
from tinygen.load.arrays import write_atomically
from tinygen.load.keras_file import prepare
from tinygen.load.tflite import parse_tflite
from tinygen.quantize.flat import Flat
from tinygen.quantize.improve import improve
from tinygen.quantize.measure import outputs

SEEDS = 5
_CALIBRATION = 300  # what tinygen takes of any file
_OTHERS = {"hard": hard_models, "compressed": compressed_kws}


def run_seed(task: Task, seed: int, tflm: Tflm) -> dict[str, Any]:
    """Train once, quantize twice: the measure (0 to 1) of the three on the same test samples."""
    began = time.monotonic()
    split = task.data(seed)
    floating, quantized, samples = _converted(task.train(split, seed), split)
    trained = time.monotonic()
    improved = improve(floating, quantized, samples)
    seconds = time.monotonic() - trained
    real = on_float(floating, split.x_test)
    figures = {"float": _figure(task, split, real)}
    for name, content in (("plain", quantized), ("tinygen", improved.content)):
        figures[name] = _figure(task, split, on_tflm(content, split.x_test, tflm))
    print(f"{task.title}, seed {seed}: {figures}, {trained - began:.0f} + {seconds:.0f} s", file=sys.stderr, flush=True)
    return {
        **figures,
        "seed": seed,
        "plain_sqnr_db": round(float(improved.plain_db), 2),
        "sqnr_db": round(float(improved.db), 2),
        "remedies": list(improved.remedies),
        "samples": len(split.x_test),
    }


def _converted(model: keras.Model, split: Split) -> tuple[bytes, bytes, list[list[Array]]]:
    """The float and the int8 .tflite as the converter makes them, and what it calibrated with."""
    with tempfile.TemporaryDirectory(prefix="tinygen-") as name:
        path = Path(name) / "trained.keras"  # beside the model.keras that `prepare` writes
        model.save(path)
        loaded = keras_model.load_model(prepare(path, Path(name), False), False)
        shapes = keras_job.fix_shapes(loaded.inputs, {})
        traced = keras_convert.trace(loaded, shapes)
        chosen = np.linspace(0, len(split.x) - 1, min(len(split.x), _CALIBRATION)).round().astype(int)
        samples = [[x[None]] for x in split.x[chosen]]
        floating = keras_convert.convert_float(loaded, shapes, traced)
        return floating, keras_convert.convert(loaded, shapes, traced, iter(samples)), samples


def on_float(floating: bytes, x: Array) -> Array:
    """The float model's output (N, values)."""
    end = int(Flat.of(floating).graph.outputs[0])
    return outputs(floating, [[sample[None]] for sample in x], [end])[end].reshape(len(x), -1)


def on_tflm(content: bytes, x: Array, tflm: Tflm) -> Array:
    """An int8 .tflite's output (N, values), as real numbers, in TFLM."""
    graph = parse_tflite(content, "model", "model")
    before, after = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    steps = np.round(x / np.float32(before.scale)) + before.zero_point
    raw = np.clip(steps, -128, 127).astype(np.int8)
    got = np.stack([y[0] for y in tflm.run(content, [(sample[None],) for sample in raw])])
    real: Array = (got.reshape(len(x), -1).astype(np.float32) - after.zero_point) * np.float32(after.scale)
    return real


def _figure(task: Task, split: Split, output: Array) -> float:
    if task.measure == "AUC":
        errors = ((output - split.x_test) ** 2).mean(1)
        return auc(errors, split.y_test)
    return float((output.argmax(1) == split.y_test).mean())


def auc(scores: Array, anomalous: Array) -> float:
    """How often an anomaly has the larger score than a normal sample; a tie counts half (Mann and Whitney's U)."""
    normal, odd = np.sort(scores[anomalous == 0]), scores[anomalous != 0]
    below = np.searchsorted(normal, odd, "left") + np.searchsorted(normal, odd, "right")
    return float(below.sum() / 2 / (len(normal) * len(odd)))


def _campaign(name: str, tflm: Tflm) -> dict[str, Any]:
    task = TASKS[name]
    rows = [run_seed(task, seed, tflm) for seed in range(SEEDS)]
    data = "synthesised" if name == "kws" else f"{task.package} {version(task.package)}"
    return {"title": task.title, "data": data, "measure": task.measure, "seeds": rows}


def main(names: list[str]) -> int:
    """Run the tasks named, "hard" or "compressed", all without; 0 if all that must hold holds."""
    found = json.loads(FIGURES.read_text()) if FIGURES.exists() else {"tasks": {}, "hard": [], "compressed": None}
    with Tflm() as tflm:
        for name in names or [*TASKS, *_OTHERS]:
            if name in _OTHERS:
                found[name] = _OTHERS[name]()
            else:
                found["tasks"][name] = _campaign(name, tflm)
            found["tasks"] = {key: found["tasks"][key] for key in TASKS if key in found["tasks"]}
            write_atomically(FIGURES, (json.dumps(found, indent=2) + "\n").encode())
    write_page(page(found))
    for line in failures(found):
        print(line, file=sys.stderr)
    return 1 if failures(found) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

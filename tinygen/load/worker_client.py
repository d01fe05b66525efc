"""Runs the child process that imports TensorFlow, and makes one clear error of every way it may end badly.

Place in the flow: the command line calls `quantize_model` once for a build (it also gives the float model's
outputs), and `predict_float` when the int8 model is already there. TensorFlow is never imported here.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tinygen.errors import TinygenError
from tinygen.load import keras_job
from tinygen.load.arrays import Array, Samples, write_atomically
from tinygen.load.child_limits import SILENCE_SECONDS, Watchdog
from tinygen.load.keras_job import MOST_CALIBRATION_SAMPLES, UNNAMED, Job, Quality, TensorInfo
from tinygen.load.spec import parse_spec
from tinygen.load.subset import Coverage

__all__ = ["UNNAMED", "QuantizeResult", "TensorInfo", "look_inside", "predict_float", "quantize_model"]

Progress = Callable[[str], None]
InputShapes = Mapping[str, tuple[int, ...]]

_PACKAGE_FOLDER = Path(__file__).resolve().parents[2]
_LOUD = re.compile(r"error|fatal|check failed|abort|terminate|exception|cannot|no module|killed", re.IGNORECASE)


@dataclass(frozen=True, slots=True, eq=False)
class QuantizeResult:
    """What became of a model. Inputs and outputs are in the order of the int8 .tflite, with their shapes there.

    `kind`: "h5", "keras" or "SavedModel". `calibration` says what it was calibrated with, in words, and
    `random_calibration` whether that was random numbers. `recurrent`: a line for each recurrent layer that was
    rebuilt. `quality`: what was won over the converter; None without data, or with int16. `float_outputs`: the
    float model's outputs on the test samples of the data file, (N, ...) without a batch axis of 1, one per output;
    empty if not asked for, or without data. `diagnosis`, `mixed`, `robustness`: the content of DIAGNOSIS_FILE,
    MIXED_FILE and ROBUSTNESS_FILE of keras_job, None if not asked for, or without data. `coverage`: what the samples to
    calibrate with cover of those that there are; None without data.
    """

    kind: str
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    calibration: str
    calibration_samples: int
    random_calibration: bool
    recurrent: tuple[str, ...]
    quality: Quality | None
    float_outputs: tuple[Array, ...]
    diagnosis: dict[str, Any] | None
    mixed: dict[str, Any] | None
    coverage: Coverage | None
    robustness: dict[str, Any] | None

    @property
    def input_shapes(self) -> dict[str, tuple[int | None, ...]]:
        """For `load_data`."""
        return {tensor.name: tensor.shape for tensor in self.inputs}


def quantize_model(
    model_path: Path,
    out_tflite: Path,
    *,
    data: str | None = None,
    input_shapes: InputShapes | None = None,
    predict: bool = False,
    allow_lambda: bool = False,
    activations: str = "int8",
    calibration: str | None = None,
    calibration_samples: int = MOST_CALIBRATION_SAMPLES,
    diagnose: bool = False,
    robustness: bool = False,
    target_drop: float | None = None,
    progress: Progress = lambda stage: None,
) -> QuantizeResult:
    """Full-integer post-training quantization of a .keras, .h5 or SavedModel into `out_tflite`.

    `data`: for `load_data`; without it, random input. Of its samples, or those of `calibration` instead, at most
    `calibration_samples` are used to calibrate. `input_shapes`: by input name, or UNNAMED for the only input, for
    dimensions that the model leaves open. `predict`: also run the float model on the test samples. `activations`:
    "int8", or "int16" with int8 weights. `diagnose`: also say what the quantization costs, layer by layer.
    `robustness`: also what shifts of the input cost. `target_drop`: give layers int16 activations until the accuracy
    falls by no more (0.005: half a percent). `progress` is called with each stage.
    Raises TinygenError; `out_tflite` is then as it was before.
    """
    job = Job(
        model=str(model_path.resolve()),
        quantize=True,
        data=parse_spec(data).absolute if data else None,
        predict=predict,
        input_shapes=dict(input_shapes or {}),
        allow_lambda=allow_lambda,
        activations=activations,
        calibration=parse_spec(calibration).absolute if calibration else None,
        calibration_samples=calibration_samples,
        diagnose=diagnose,
        robustness=robustness,
        target_drop=target_drop,
    )
    with tempfile.TemporaryDirectory(prefix="tinygen-") as name:
        folder = Path(name)
        result = _run(job, folder, progress)
        write_atomically(out_tflite, (folder / keras_job.MODEL_FILE).read_bytes())
        return QuantizeResult(
            kind=result["kind"],
            inputs=_tensors(result["inputs"]),
            outputs=_tensors(result["outputs"]),
            calibration=result["calibration"],
            calibration_samples=result["samples"],
            random_calibration=result["random"],
            recurrent=tuple(result["recurrent"]),
            quality=Quality.from_json(result["quality"]),
            float_outputs=_outputs(folder),
            diagnosis=_report(folder / keras_job.DIAGNOSIS_FILE),
            mixed=_report(folder / keras_job.MIXED_FILE),
            coverage=Coverage.from_json(result["coverage"]),
            robustness=_report(folder / keras_job.ROBUSTNESS_FILE),
        )


def predict_float(
    model_path: Path,
    samples: Samples,
    *,
    input_shapes: InputShapes | None = None,
    allow_lambda: bool = False,
    progress: Progress = lambda stage: None,
) -> tuple[Array, ...]:
    """The float model's outputs on float32 samples (by input name), as in `QuantizeResult.float_outputs`.

    Raises TinygenError.
    """
    with tempfile.TemporaryDirectory(prefix="tinygen-") as name:
        folder = Path(name)
        _run_on(model_path, samples, (), input_shapes, allow_lambda, progress, folder)
        return _outputs(folder)


def look_inside(
    model_path: Path,
    samples: Samples,
    names: Sequence[str],
    *,
    input_shapes: InputShapes | None = None,
    allow_lambda: bool = False,
    progress: Progress = lambda stage: None,
) -> dict[str, Array]:
    """The float model's tensors of these names, (N, ...), on float32 samples; without those that it has not.

    Raises TinygenError.
    """
    with tempfile.TemporaryDirectory(prefix="tinygen-") as name:
        folder = Path(name)
        _run_on(model_path, samples, tuple(names), input_shapes, allow_lambda, progress, folder)
        with np.load(folder / keras_job.INSIDE_FILE, allow_pickle=False) as file:
            return {names[int(key)]: file[key] for key in file.files}


def _run_on(
    model_path: Path,
    samples: Samples,
    inside: tuple[str, ...],
    input_shapes: InputShapes | None,
    allow_lambda: bool,
    progress: Progress,
    folder: Path,
) -> None:
    """Run the float model on samples; what it computes is in `folder` then."""
    job = Job(
        model=str(model_path.resolve()),
        quantize=False,
        data=None,
        predict=True,
        input_shapes=dict(input_shapes or {}),
        allow_lambda=allow_lambda,
        inside=inside,
    )
    arrays: dict[str, Any] = {f"{keras_job.SAMPLES_PREFIX}{key}": x for key, x in samples.items()}
    np.savez(folder / keras_job.SAMPLES_FILE, **arrays)
    _run(job, folder, progress)


def _tensors(values: list[tuple[str, list[int]]]) -> tuple[TensorInfo, ...]:
    return tuple(TensorInfo(name, tuple(shape)) for name, shape in values)


def _outputs(folder: Path) -> tuple[Array, ...]:
    path = folder / keras_job.OUTPUTS_FILE
    if not path.exists():
        return ()
    with np.load(path, allow_pickle=False) as file:
        return tuple(file[str(i)] for i in range(len(file.files)))


def _report(path: Path) -> dict[str, Any] | None:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _command(job_file: Path, module: str = "tinygen.load.worker") -> list[str]:
    return [sys.executable, "-m", module, str(job_file)]


def _environment(folder: Path) -> dict[str, str]:
    """The child's environment: tinygen importable, no GPU, no settings of the user's own Keras."""
    inherited = {k: v for k, v in os.environ.items() if k != "TF_USE_LEGACY_KERAS"}
    paths = [str(_PACKAGE_FOLDER), *filter(None, [os.environ.get("PYTHONPATH")])]
    return inherited | {
        "PYTHONPATH": os.pathsep.join(paths),
        "KERAS_BACKEND": "tensorflow",
        "KERAS_HOME": str(folder),
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "TF_ENABLE_ONEDNN_OPTS": "0",  # one result on every processor
    }


def _run(job: Job, folder: Path, progress: Progress) -> dict[str, Any]:
    return run_child("tinygen.load.worker", job.to_json(), Path(job.model).name, folder, progress)


def run_child(module: str, job: str, name: str, folder: Path, progress: Progress) -> dict[str, Any]:
    """Run a child process, `python -m MODULE JOB_FILE` in `folder`, to its end; its RESULT (keras_job.py).

    name: the model's, for errors. Raises TinygenError, for a child that crashes or is silent, too.
    """
    _need_tensorflow(name)
    job_file = folder / "job.json"
    job_file.write_text(job, encoding="utf-8")
    stage = "starting"
    with (folder / "stderr").open("wb") as stderr:
        child = subprocess.Popen(
            _command(job_file, module),
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            encoding="utf-8",
            errors="replace",
        )
        watchdog = Watchdog(child, SILENCE_SECONDS)
        try:
            watchdog.start()
            for line in child.stdout or ():
                watchdog.start()
                key, value = _message(line)
                if key == keras_job.PROGRESS:
                    stage = str(value)
                    progress(stage)
                elif key == keras_job.ERROR:
                    raise TinygenError(value["message"], value["hint"], value["exit_code"])
                elif key == keras_job.RESULT and child.wait() == 0:
                    return dict(value)
            code = child.wait()
        finally:
            watchdog.stop()
            child.kill()
            child.wait()
            if child.stdout:
                child.stdout.close()
    if watchdog.expired:
        raise TinygenError(
            f"{name}: TensorFlow's process was silent for {SILENCE_SECONDS / 60:.0f} minutes while it was at: {stage}",
            "use a smaller model; if this one is small, leave out layers until you find which one it is",
        )
    raise _crashed(name, stage, code, (folder / "stderr").read_text(errors="replace"))


def _need_tensorflow(model: str) -> None:
    if importlib.util.find_spec("tensorflow") is None:
        raise TinygenError(
            f"reading {model} needs TensorFlow, which is not installed",
            "pip install tensorflow (it has no wheel for every Python and system); "
            "or give an int8 .tflite, which needs none",
        )


def _message(line: str) -> tuple[str, Any]:
    try:
        ((key, value),) = json.loads(line).items()
    except (ValueError, AttributeError):
        return "", None
    return key, value


def _crashed(name: str, stage: str, code: int, stderr: str) -> TinygenError:
    """The child ended without an answer: by a signal, or by an exception that nobody expected."""
    where = f"{name}: TensorFlow's process %s while it was at: {stage}"
    if code == -getattr(signal, "SIGKILL", 9):
        return TinygenError(
            where % "was killed", "most likely the memory ran out: close other programs, or use a smaller model"
        )
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    telling = [line for line in lines if _LOUD.search(line) and not line.startswith(("W", "I"))] or lines
    if any("bad_alloc" in line or "MemoryError" in line for line in telling):
        return TinygenError(where % "ran out of memory", "close other programs, or use a smaller model")
    last = f" ({telling[-1][:240]})" if telling else ""
    if code < 0 or code >= 0xC0000000:
        how = f"crashed with {_signal_name(code)}"
        hint = "its converter does so on layers that it cannot do: leave out layers until you find which"
        return TinygenError(where % how + last, hint)
    return TinygenError(where % "failed" + last, "look whether python -c 'import tensorflow' works")


def _signal_name(code: int) -> str:
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"code {code:#x}"

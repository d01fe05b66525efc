"""The child process that imports TensorFlow: `python -m tinygen.load.worker JOB.json`.

Place in the flow: started by worker_client.py, in a private folder. Loads a Keras model or SavedModel,
quantizes it or runs it, and leaves files beside the job. Speaks lines of JSON on stdout (keras_job.py);
what libraries print there goes to stderr instead.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tinygen.errors import TinygenError
from tinygen.load import health, keras_job
from tinygen.load.arrays import Array, Samples
from tinygen.load.calibration import (
    Calibration,
    FixedShapes,
    as_the_model_takes_them,
    calibration_of,
    count_of,
    dataset_of,
    test_samples,
)
from tinygen.load.channel import Channel, leave, serve
from tinygen.load.data import Dataset
from tinygen.load.keras_file import prepare
from tinygen.load.keras_job import Job, Quality
from tinygen.load.keras_tfmot import is_wrapped, load_wrapped, need_packages
from tinygen.quantize.diagnose import diagnose
from tinygen.quantize.findings import Finding, layer_findings
from tinygen.quantize.improve import Improved, improve
from tinygen.quantize.offers import offers
from tinygen.quantize.search import Exam, search


def run(job: Job, channel: Channel) -> dict[str, object]:
    """Do a job; the RESULT to send. Files go to the current folder. Raises TinygenError."""
    model_path = Path(job.model)
    channel.progress(f"checking {model_path.name}")
    file = prepare(model_path, Path.cwd(), job.allow_lambda)
    if is_wrapped(file):
        need_packages(file)
    channel.progress("starting TensorFlow")
    from tinygen.load import keras_convert, keras_model  # seconds; only now that the file looks right

    channel.progress(f"loading {model_path.name}")
    if is_wrapped(file):
        model = load_wrapped(model_path, file, Path.cwd())
        _need_plain_int8(job, model)
    else:
        model = keras_model.load_model(file, job.allow_lambda)
    shapes = keras_job.fix_shapes(model.inputs, job.input_shapes)
    dataset = dataset_of(job, shapes)
    if job.activations == "int16" and model.numbers:
        names = ", ".join(model.numbers)
        raise TinygenError(
            f"the TFLite converter has no int16 form of models whose inputs are whole numbers, as {names}",
            "leave out --activations int16",
        )
    if job.activations == "int16":
        model.recurrent.unroll_all()  # the converter has no int16 form of what they would be fused to
    calibration = None
    if job.quantize:
        given = None if model.learned_ranges else dataset
        calibration = calibration_of(given, shapes, model.numbers, job.calibration_samples)
    if calibration is not None and model.learned_ranges:
        calibration = replace(calibration, text="the ranges that the model learned in training", random=False)
    samples = test_samples(job, dataset, shapes, model.numbers)
    quality = None
    traced = keras_convert.trace(model, shapes)
    if calibration is not None:
        traced, content = _convert(model, traced, shapes, calibration.samples, job.activations, channel)
        if dataset is not None and job.activations == "int8" and not model.learned_ranges:
            pair = _Pair(keras_convert.convert_float(model, shapes, traced), content, shapes, calibration.samples)
            improved = pair.improved(channel)
            quality = Quality(round(improved.plain_db, 2), round(improved.db, 2), improved.remedies)
            content = improved.content
            if job.diagnose:
                findings = _ailments(model, traced, shapes, dataset, calibration, channel)
                pair.diagnose(improved, findings, channel)
            if job.robustness:
                pair.shift(model, improved, dataset, channel)
            if job.target_drop is not None:
                content = pair.mixed(improved, _exam(model, traced, shapes, dataset, channel), job.target_drop, channel)
        Path(keras_job.MODEL_FILE).write_bytes(content)
    recurrent = model.recurrent.lines
    for line in recurrent:
        channel.progress(line)
    if samples is not None and job.inside:
        _look_inside(job, model, traced, shapes, samples, channel)
    elif samples is not None:
        _predict(model, traced, shapes, samples, channel)
    return {
        "kind": model.kind,
        "inputs": list(shapes.items()),
        "outputs": [(tensor.name, tensor.shape) for tensor in traced.outputs],
        "calibration": calibration.text if calibration else "",
        "samples": count_of(calibration.samples) if calibration else 0,
        "random": calibration is not None and calibration.random,
        "recurrent": recurrent,
        "quality": None if quality is None else asdict(quality),
        "coverage": None if calibration is None or calibration.coverage is None else asdict(calibration.coverage),
    }


def _need_plain_int8(job: Job, model: Any) -> None:
    """Raise TinygenError for what needs a float model, of one that was trained for quantization."""
    other = job.activations != "int8" or job.diagnose or job.target_drop is not None or job.inside
    if model.learned_ranges and other:
        raise TinygenError(
            f"{model.name} was trained for quantization to int8: its ranges are learned, there is no float model to "
            "compare with",
            "leave out --activations int16, --target-drop, doctor and --layers, or give the model before that training",
        )


def _convert(
    model: Any, traced: Any, shapes: FixedShapes, samples: Samples, activations: str, channel: Channel
) -> tuple[Any, bytes]:
    """The int8 .tflite, and the traced model that it was made of: all unrolled if a fused layer came out unsound."""
    from tinygen.load import keras_convert

    keras_convert.need_no_loops(model, traced)
    channel.progress("converting")
    content = keras_convert.convert(model, shapes, traced, _feed(samples, shapes, channel), activations)
    if model.recurrent.fused and not keras_convert.is_consistent(content):
        model.recurrent.unroll_all()
        traced = keras_convert.trace(model, shapes)
        channel.progress("converting with all layers unrolled")
        content = keras_convert.convert(model, shapes, traced, _feed(samples, shapes, channel), activations)
    return traced, content


@dataclass(frozen=True, slots=True, eq=False)
class _Pair:
    """What the converter made of one traced model, with the samples to calibrate with."""

    floating: bytes
    quantized: bytes
    shapes: FixedShapes
    samples: Samples

    def _inputs(self) -> list[list[Array]]:
        count = count_of(self.samples)
        return [[self.samples[name][i].reshape(shape) for name, shape in self.shapes.items()] for i in range(count)]

    def improved(self, channel: Channel) -> Improved:
        """A better int8 .tflite than the converter's, if one is found."""
        stage = "improving the quantization"
        channel.progress(stage)
        return improve(self.floating, self.quantized, self._inputs(), lambda *count: channel.count(stage, *count))

    def diagnose(self, improved: Improved, findings: Sequence[Finding], channel: Channel) -> None:
        """Write DIAGNOSIS_FILE."""
        stage = "looking for what costs accuracy"
        channel.progress(stage)
        inputs = self._inputs()
        plain, now = (
            diagnose(floating, content, inputs, lambda *count: channel.count(stage, *count))
            for floating, content in ((self.floating, self.quantized), (improved.source, improved.content))
        )
        found = (*findings, *layer_findings(plain, now))
        report = {
            "plain": asdict(plain),
            "now": asdict(now),
            "tried": [{"remedy": remedy, "sqnr_db": round(db, 2)} for remedy, db in improved.tried],
            "offers": [{"remedy": remedy, "sqnr_db": round(db, 2)} for remedy, db in offers(improved, now, inputs)],
            "findings": [asdict(finding) for finding in found],
        }
        Path(keras_job.DIAGNOSIS_FILE).write_text(json.dumps(report), encoding="utf-8")

    def shift(self, model: Any, improved: Improved, dataset: Dataset, channel: Channel) -> None:
        """Write ROBUSTNESS_FILE."""
        stage = "shifting the test samples"
        channel.progress(stage)
        given = dataset.test or dataset.calibration
        assert given is not None
        samples = as_the_model_takes_them(given, model.numbers, dataset.test_source)
        found = health.shifted(
            model,
            self.floating,
            improved.content,
            self.shapes,
            samples,
            dataset.y_test,
            lambda *count: channel.count(stage, *count),
        )
        Path(keras_job.ROBUSTNESS_FILE).write_text(json.dumps(asdict(found)), encoding="utf-8")

    def mixed(self, improved: Improved, exam: Exam, target: float, channel: Channel) -> bytes:
        """The int8 .tflite with int16 activations where the target needs them; writes MIXED_FILE."""
        stage = "looking for the layers that lose most"
        channel.progress(stage)
        ailments = diagnose(
            improved.source, improved.content, self._inputs(), lambda *count: channel.count(stage, *count)
        )
        found = search(improved.content, ailments, exam, target, channel.progress)
        report = {**asdict(found), "content": None}
        Path(keras_job.MIXED_FILE).write_text(json.dumps(report), encoding="utf-8")
        return found.content


def _exam(model: Any, traced: Any, shapes: FixedShapes, dataset: Dataset, channel: Channel) -> Exam:
    """The test samples, else those to calibrate with, and the float model's answers."""
    from tinygen.load import keras_convert

    samples = dataset.test or dataset.calibration
    assert samples is not None
    samples = as_the_model_takes_them(samples, model.numbers, dataset.test_source)
    stage = f"running the float model on {count_of(samples)} samples"
    channel.progress(stage)
    total = count_of(samples)
    real = keras_convert.predict(model, traced, shapes, samples, lambda done: channel.count(stage, done, total))
    inputs = [[samples[name][i].reshape(shape) for name, shape in shapes.items()] for i in range(total)]
    return Exam(inputs, real[0], dataset.y_test)


def _ailments(
    model: Any, traced: Any, shapes: FixedShapes, dataset: Dataset, calibration: Calibration, channel: Channel
) -> tuple[Finding, ...]:
    """What is odd about the data."""
    from tinygen.load import keras_convert

    channel.progress("looking at the data")
    test = dataset.test
    if test is not None:
        test = as_the_model_takes_them(test, model.numbers, dataset.test_source)

    def predict(samples: Samples) -> Array:
        return np.asarray(keras_convert.predict(model, traced, shapes, samples, lambda done: None)[0])

    return health.ailments(model, calibration.samples, calibration.coverage, test, dataset.y_test, predict)


def _predict(model: Any, traced: Any, shapes: FixedShapes, samples: Samples, channel: Channel) -> None:
    from tinygen.load import keras_convert

    total = count_of(samples)
    stage = f"running the float model on {total} samples"
    channel.progress(stage)
    outputs = keras_convert.predict(model, traced, shapes, samples, lambda done: channel.count(stage, done, total))
    arrays: dict[str, Array] = {str(i): output for i, output in enumerate(outputs)}
    np.savez(keras_job.OUTPUTS_FILE, allow_pickle=False, **arrays)


def _look_inside(job: Job, model: Any, traced: Any, shapes: FixedShapes, samples: Samples, channel: Channel) -> None:
    from tinygen.load import keras_inside

    channel.progress(f"looking into the float model on {count_of(samples)} samples")
    values = keras_inside.inside(model, traced, shapes, samples, job.inside)
    arrays: dict[str, Array] = {str(i): values[name] for i, name in enumerate(job.inside) if name in values}
    np.savez(keras_job.INSIDE_FILE, allow_pickle=False, **arrays)


def _feed(samples: Samples, shapes: FixedShapes, channel: Channel) -> Iterator[list[Array]]:
    """One inference's inputs at a time, for the calibrator, which asks for them when it is ready."""
    total = count_of(samples)
    stage = f"calibrating on {total} samples"
    channel.progress(stage)
    for i in range(total):
        yield [samples[name][i].reshape(shape) for name, shape in shapes.items()]
        channel.count(stage, i + 1, total)
    channel.progress("quantizing")


if __name__ == "__main__":
    leave(serve(sys.argv[1], lambda text, channel: run(Job.from_json(text), channel)))

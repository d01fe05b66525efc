"""The child process that imports TensorFlow: `python -m tinygen.load.worker JOB.json`.

Place in the flow: started by worker_client.py, in a private folder. Loads a Keras model or SavedModel,
quantizes it or runs it, and leaves files beside the job. Speaks lines of JSON on stdout (keras_job.py);
what libraries print there goes to stderr instead.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tinygen.errors import TinygenError
from tinygen.load import health, keras_job
from tinygen.load.arrays import Array, Samples, as_numbers, check_samples, open_arrays
from tinygen.load.child_limits import limit_memory
from tinygen.load.data import Dataset, load_data
from tinygen.load.keras_file import prepare
from tinygen.load.keras_job import Job, Quality
from tinygen.load.subset import Coverage, coverage, stratified
from tinygen.quantize.diagnose import diagnose
from tinygen.quantize.findings import Finding, layer_findings
from tinygen.quantize.improve import Improved, improve
from tinygen.quantize.offers import offers
from tinygen.quantize.search import Exam, search

FixedShapes = Mapping[str, tuple[int, ...]]
Numbers = Mapping[str, int]  # inputs that are int32, and below what their numbers lie (0: unknown)

RANDOM_SAMPLES = 100
_SEED = 20240607
_SECONDS_BETWEEN_REPORTS = 1.0


class Channel:
    """The way to the parent: one JSON object per line."""

    def __init__(self) -> None:
        self._stream = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)  # C++ code that prints must not disturb the lines
        self._last = 0.0

    def send(self, key: str, value: object) -> None:
        self._stream.write(json.dumps({key: value}) + "\n")
        self._stream.flush()

    def progress(self, stage: str) -> None:
        self._last = time.monotonic()
        self.send(keras_job.PROGRESS, stage)

    def count(self, stage: str, done: int, total: int) -> None:
        """Progress inside a stage, at most once a second."""
        if done < total and time.monotonic() - self._last >= _SECONDS_BETWEEN_REPORTS:
            self.progress(f"{stage}: {done} of {total}")


def run(job: Job, channel: Channel) -> dict[str, object]:
    """Do a job; the RESULT to send. Files go to the current folder. Raises TinygenError."""
    model_path = Path(job.model)
    channel.progress(f"checking {model_path.name}")
    file = prepare(model_path, Path.cwd(), job.allow_lambda)
    channel.progress("starting TensorFlow")
    from tinygen.load import keras_convert, keras_model  # seconds; only now that the file looks right

    channel.progress(f"loading {model_path.name}")
    model = keras_model.load_model(file, job.allow_lambda)
    shapes = keras_job.fix_shapes(model.inputs, job.input_shapes)
    dataset = _dataset(job, shapes)
    if job.activations == "int16" and model.numbers:
        names = ", ".join(model.numbers)
        raise TinygenError(
            f"the TFLite converter has no int16 form of models whose inputs are whole numbers, as {names}",
            "leave out --activations int16",
        )
    if job.activations == "int16":
        model.recurrent.unroll_all()  # the converter has no int16 form of what they would be fused to
    calibration = _calibration(dataset, shapes, model.numbers, job.calibration_samples) if job.quantize else None
    samples = _test_samples(job, dataset, shapes, model.numbers)
    quality = None
    traced = keras_convert.trace(model, shapes)
    if calibration is not None:
        traced, content = _convert(model, traced, shapes, calibration.samples, job.activations, channel)
        if dataset is not None and job.activations == "int8":
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
        "samples": _count(calibration.samples) if calibration else 0,
        "random": calibration is not None and dataset is None,
        "recurrent": recurrent,
        "quality": None if quality is None else asdict(quality),
        "coverage": None if calibration is None or calibration.coverage is None else asdict(calibration.coverage),
    }


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
        count = _count(self.samples)
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
        samples = _as_the_model_takes_them(given, model.numbers, dataset.test_source)
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
    samples = _as_the_model_takes_them(samples, model.numbers, dataset.test_source)
    stage = f"running the float model on {_count(samples)} samples"
    channel.progress(stage)
    total = _count(samples)
    real = keras_convert.predict(model, traced, shapes, samples, lambda done: channel.count(stage, done, total))
    inputs = [[samples[name][i].reshape(shape) for name, shape in shapes.items()] for i in range(total)]
    return Exam(inputs, real[0], dataset.y_test)


@dataclass(frozen=True, slots=True, eq=False)
class _Calibration:
    """Samples to calibrate with, and in words where they come from."""

    samples: Samples
    text: str
    coverage: Coverage | None = None


def _ailments(
    model: Any, traced: Any, shapes: FixedShapes, dataset: Dataset, calibration: _Calibration, channel: Channel
) -> tuple[Finding, ...]:
    """What is odd about the data."""
    from tinygen.load import keras_convert

    channel.progress("looking at the data")
    test = dataset.test
    if test is not None:
        test = _as_the_model_takes_them(test, model.numbers, dataset.test_source)

    def predict(samples: Samples) -> Array:
        return np.asarray(keras_convert.predict(model, traced, shapes, samples, lambda done: None)[0])

    return health.ailments(model, calibration.samples, calibration.coverage, test, dataset.y_test, predict)


def _dataset(job: Job, shapes: FixedShapes) -> Dataset | None:
    """The samples of `data`, those to calibrate with from `calibration` if that is given."""
    dataset = load_data(job.data, shapes) if job.data else None
    if job.calibration is None:
        return dataset
    other = load_data(job.calibration, shapes)
    if dataset is None:
        return other
    return replace(
        dataset,
        calibration=other.calibration,
        calibration_source=other.calibration_source,
        y_calibration=other.y_calibration,
        name=other.name,
    )


def _calibration(
    dataset: Dataset | None, shapes: FixedShapes, numbers: Numbers, most: int = keras_job.MOST_CALIBRATION_SAMPLES
) -> _Calibration:
    """Of more than `most` samples, `most`: of each class its part, all at equal distances where no classes are known.

    Without data: 100 random samples, uniform from -1 to 1; of whole numbers, any that there are, or 0 and 1.
    """
    if dataset is None:
        random = np.random.default_rng(_SEED)
        drawn = {
            name: random.integers(0, numbers[name] or 2, (RANDOM_SAMPLES, *shape)).astype(np.int32)
            if name in numbers
            else random.uniform(-1, 1, (RANDOM_SAMPLES, *shape)).astype(np.float32)
            for name, shape in shapes.items()
        }
        return _Calibration(drawn, f"random values from -1 to 1, {RANDOM_SAMPLES} samples")
    if dataset.calibration is None:
        raise TinygenError(
            f"{dataset.name} has no samples to calibrate with", "add x_calibration, or name an array: FILE:KEY"
        )
    given = _as_the_model_takes_them(dataset.calibration, numbers, dataset.calibration_source)
    total = _count(given)
    chosen = stratified(dataset.y_calibration, total, most)
    samples = {name: x[chosen] for name, x in given.items()}
    some = f"{total}" if total <= most else f"{len(chosen)} of {total}"
    found = coverage(given, dataset.y_calibration, chosen)
    return _Calibration(samples, f"{dataset.calibration_source}, {some} samples", found)


def _test_samples(job: Job, dataset: Dataset | None, shapes: FixedShapes, numbers: Numbers) -> Samples | None:
    if not job.quantize:
        with open_arrays(Path(keras_job.SAMPLES_FILE)) as file:
            given = {key.removeprefix(keras_job.SAMPLES_PREFIX): file.read(key) for key in file.keys}
        if set(given) != set(shapes):
            raise TinygenError(f"samples were given for {', '.join(given)}, the model's inputs are {', '.join(shapes)}")
        samples: Samples = {name: check_samples(given[name], f"input {name}", shape) for name, shape in shapes.items()}
        return _as_the_model_takes_them(samples, numbers, "the input")
    if not job.predict or dataset is None or dataset.test is None:
        return None
    return _as_the_model_takes_them(dataset.test, numbers, dataset.test_source)


def _as_the_model_takes_them(samples: Samples, numbers: Numbers, source: str) -> Samples:
    """float32, and int32 for whole numbers; raises TinygenError for what cannot be."""
    if any(x.dtype == np.int8 for name, x in samples.items() if name not in numbers):
        raise TinygenError(
            f"{source} is int8, which means raw quantized input, and a float model cannot take that",
            "save the samples as float32, as the model was trained on",
        )
    return {name: as_numbers(x, name, numbers[name], source) if name in numbers else x for name, x in samples.items()}


def _count(samples: Samples) -> int:
    return len(next(iter(samples.values())))


def _predict(model: Any, traced: Any, shapes: FixedShapes, samples: Samples, channel: Channel) -> None:
    from tinygen.load import keras_convert

    total = _count(samples)
    stage = f"running the float model on {total} samples"
    channel.progress(stage)
    outputs = keras_convert.predict(model, traced, shapes, samples, lambda done: channel.count(stage, done, total))
    arrays: dict[str, Array] = {str(i): output for i, output in enumerate(outputs)}
    np.savez(keras_job.OUTPUTS_FILE, allow_pickle=False, **arrays)


def _look_inside(job: Job, model: Any, traced: Any, shapes: FixedShapes, samples: Samples, channel: Channel) -> None:
    from tinygen.load import keras_inside

    channel.progress(f"looking into the float model on {_count(samples)} samples")
    values = keras_inside.inside(model, traced, shapes, samples, job.inside)
    arrays: dict[str, Array] = {str(i): values[name] for i, name in enumerate(job.inside) if name in values}
    np.savez(keras_job.INSIDE_FILE, allow_pickle=False, **arrays)


def _feed(samples: Samples, shapes: FixedShapes, channel: Channel) -> Iterator[list[Array]]:
    """One inference's inputs at a time, for the calibrator, which asks for them when it is ready."""
    total = _count(samples)
    stage = f"calibrating on {total} samples"
    channel.progress(stage)
    for i in range(total):
        yield [samples[name][i].reshape(shape) for name, shape in shapes.items()]
        channel.count(stage, i + 1, total)
    channel.progress("quantizing")


def main(arguments: list[str]) -> int:
    """Run the job in the file named; 0 if it went well, else 1 after an ERROR line."""
    channel = Channel()
    limit_memory()
    try:
        job = Job.from_json(Path(arguments[0]).read_text(encoding="utf-8"))
        channel.send(keras_job.RESULT, run(job, channel))
        return 0
    except TinygenError as error:
        failure = error
    except MemoryError:
        failure = TinygenError("there is not enough memory for this model", "close other programs")
    fields = {"message": str(failure), "hint": failure.hint, "exit_code": failure.exit_code}
    channel.send(keras_job.ERROR, fields)
    return 1


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(status)  # all is sent and written: TensorFlow takes most of a second to put itself away

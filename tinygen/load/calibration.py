"""Which samples a job calibrates with and judges by, in the types that the model takes.

Place in the flow: worker.py and compress/ ask here, in the child process; data.py reads the files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tinygen.errors import TinygenError
from tinygen.load import keras_job
from tinygen.load.arrays import Samples, as_numbers, check_samples, open_arrays
from tinygen.load.data import Dataset, load_data
from tinygen.load.keras_job import Job
from tinygen.load.subset import Coverage, coverage, stratified

FixedShapes = Mapping[str, tuple[int, ...]]
Numbers = Mapping[str, int]  # inputs that are int32, and below what their numbers lie (0: unknown)

RANDOM_SAMPLES = 100
_SEED = 20240607


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Samples to calibrate with, and in words where they come from."""

    samples: Samples
    text: str
    random: bool = False
    coverage: Coverage | None = None


def dataset_of(job: Job, shapes: FixedShapes) -> Dataset | None:
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


def calibration_of(
    dataset: Dataset | None, shapes: FixedShapes, numbers: Numbers, most: int = keras_job.MOST_CALIBRATION_SAMPLES
) -> Calibration:
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
        return Calibration(drawn, f"random values from -1 to 1, {RANDOM_SAMPLES} samples", random=True)
    if dataset.calibration is None:
        raise TinygenError(
            f"{dataset.name} has no samples to calibrate with", "add x_calibration, or name an array: FILE:KEY"
        )
    given = as_the_model_takes_them(dataset.calibration, numbers, dataset.calibration_source)
    total = count_of(given)
    chosen = stratified(dataset.y_calibration, total, most)
    samples = {name: x[chosen] for name, x in given.items()}
    some = f"{total}" if total <= most else f"{len(chosen)} of {total}"
    found = coverage(given, dataset.y_calibration, chosen)
    return Calibration(samples, f"{dataset.calibration_source}, {some} samples", coverage=found)


def test_samples(job: Job, dataset: Dataset | None, shapes: FixedShapes, numbers: Numbers) -> Samples | None:
    if not job.quantize:
        with open_arrays(Path(keras_job.SAMPLES_FILE)) as file:
            given = {key.removeprefix(keras_job.SAMPLES_PREFIX): file.read(key) for key in file.keys}
        if set(given) != set(shapes):
            raise TinygenError(f"samples were given for {', '.join(given)}, the model's inputs are {', '.join(shapes)}")
        samples: Samples = {name: check_samples(given[name], f"input {name}", shape) for name, shape in shapes.items()}
        return as_the_model_takes_them(samples, numbers, "the input")
    if not job.predict or dataset is None or dataset.test is None:
        return None
    return as_the_model_takes_them(dataset.test, numbers, dataset.test_source)


def as_the_model_takes_them(samples: Samples, numbers: Numbers, source: str) -> Samples:
    """float32, and int32 for whole numbers; raises TinygenError for what cannot be."""
    if any(x.dtype == np.int8 for name, x in samples.items() if name not in numbers):
        raise TinygenError(
            f"{source} is int8, which means raw quantized input, and a float model cannot take that",
            "save the samples as float32, as the model was trained on",
        )
    return {name: as_numbers(x, name, numbers[name], source) if name in numbers else x for name, x in samples.items()}


def count_of(samples: Samples) -> int:
    return len(next(iter(samples.values())))

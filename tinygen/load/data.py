"""A data file becomes arrays that fit a model: samples to calibrate with and samples to test on.

Place in the flow: the command line reads it for `--data`; the child process that quantizes (worker.py)
reads the same file again, so no samples travel between the two. Never imports TensorFlow.

A SAMPLE is one input of a model without its batch axis: (49, 10, 1) for a model whose input is
(1, 49, 10, 1). The first axis of every array in a file counts the samples. A model whose first dimension
is fixed to something else than 1 has no batch axis: there a sample is the whole tensor.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

from tinygen.errors import TinygenError
from tinygen.load.arrays import (
    Array,
    ArrayFile,
    Samples,
    Shape,
    Shapes,
    check_classes,
    check_labels,
    check_samples,
    fits,
    open_arrays,
    sample_shape,
    shape_text,
)
from tinygen.load.folders import Folder, Gathered, open_folder
from tinygen.load.images import load_images
from tinygen.load.sounds import load_sounds
from tinygen.load.spec import Spec, parse_spec, split_spec
from tinygen.load.tables import load_tables
from tinygen.load.vectors import MARKER, read_vectors, save_vectors

__all__ = ["Dataset", "Samples", "Shapes", "find_data", "load_data", "sample_shape", "save_vectors", "split_spec"]


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """What one data file gives. Samples are float32, or int8 where the file has raw int8 inputs.

    `calibration` is None when the file has none (only `x_test`, or a vectors file); `test` is the same
    object as `calibration` when the file names no test samples; the sources say which array of which file
    that was ("x_test of kws.npz").
    `y_test`, `y_calibration`: (N,) int64 class numbers, where they are known.
    `int8_inputs` to `model_sha256` come from a vectors file only: inputs as the device takes them, both references
    (one array (N, ...) per output of the model, in its order; `float_outputs` may be empty), and the
    SHA-256 of the int8 model that they belong to.
    """

    name: str
    calibration: Samples | None
    calibration_source: str
    test: Samples | None
    test_source: str
    y_test: Array | None = None
    labels: tuple[str, ...] = ()
    int8_inputs: Samples | None = None
    int8_outputs: tuple[Array, ...] = ()
    float_outputs: tuple[Array, ...] = ()
    model_sha256: str = ""
    y_calibration: Array | None = None


def find_data(model_path: Path) -> Path | None:
    """The data file that belongs to a model by its name: `kws.npz` beside `kws.h5`."""
    path = model_path.parent / f"{model_path.stem}.npz"
    return path if path.is_file() else None


def load_data(text: str, input_shapes: Shapes, *, model_sha256: str = "") -> Dataset:
    """Read PATH[:KEY][,OPTION=VALUE...] for a model with these inputs (name to shape with the batch; None: any).

    - .npy: one array, the samples of the only input, used to calibrate and to test.
    - .npz with `x_calibration` and/or `x_test` (for a model of several inputs `x_calibration_NAME`,
      `x_test_NAME`), and if wanted `y_test` and `labels` (strings). Without `x_test` the calibration samples
      are the test samples, without `x_calibration` there is nothing to calibrate with. `y_calibration`: their classes.
    - any other .npz: an array for each input under its name; or, for a model of one input, the only array
      that fits. These serve both purposes.
    - a folder of images (images.py), of .wav files (sounds.py) or of tables, or a .csv (tables.py), for a model of one
      input; these serve both purposes. Subfolders are classes.
    - .npz:KEY: that array serves both purposes (with `y_test` if KEY is `x_test`).
    - a vectors file (vectors.py); `model_sha256`, if given, must be the one in the file.

    Floats and integers become float32, int8 stays int8. Shapes are taken strictly: no axis is added or
    dropped. Raises TinygenError for a missing or damaged file, an array of the wrong shape, without samples,
    with NaN or infinity, pickled objects, and for `y_test` or `labels` that do not fit.
    """
    spec = parse_spec(text)
    gathered = _gathered(spec, input_shapes)
    if gathered is not None:
        return gathered
    spec.need_only()
    key = spec.key
    with warnings.catch_warnings(), open_arrays(spec.path) as file:
        warnings.simplefilter("ignore")  # numpy warns of odd headers; only the content counts here
        if file.single is not None:
            return _unnamed(file, file.single, key, input_shapes)
        if key is not None:
            return _one_key(file, key, input_shapes)
        if MARKER in file.keys:
            return _vectors(file, input_shapes, model_sha256)
        if any(_prefixed(file, prefix, input_shapes) for prefix in ("x_calibration", "x_test")):
            return _named(file, input_shapes)
        return _other(file, input_shapes)


def _gathered(spec: Spec, shapes: Shapes) -> Dataset | None:
    """The samples of a folder or a .csv; None for anything else."""
    if spec.path.is_dir():
        folder = open_folder(spec.path)
    elif spec.path.suffix.lower() == ".csv" and spec.key is None:
        folder = Folder(spec.path.name, "tables", (spec.path,), (), ())
    else:
        return None
    name = _only_input(shapes, spec.path.name)
    found = _load(folder, spec, shapes[name])
    samples = {name: check_samples(found.samples, found.source, shapes[name])}
    return Dataset(
        name=folder.name,
        calibration=samples,
        calibration_source=found.source,
        test=samples,
        test_source=found.source,
        y_test=found.classes,
        labels=found.labels,
        y_calibration=found.classes,
    )


def _load(folder: Folder, spec: Spec, shape: Shape) -> Gathered:
    if folder.kind == "images":
        return load_images(folder, spec, shape)
    return load_sounds(folder, spec, shape) if folder.kind == "recordings" else load_tables(folder, spec, shape)


def _unnamed(file: ArrayFile, array: Array, key: str | None, shapes: Shapes) -> Dataset:
    if key is not None:
        raise TinygenError(f"{file.name} is an .npy file: it has no keys", f"leave out :{key}")
    name = _only_input(shapes, file.name)
    samples = {name: check_samples(array, file.name, shapes[name])}
    return Dataset(file.name, samples, file.name, samples, file.name)


def _one_key(file: ArrayFile, key: str, shapes: Shapes) -> Dataset:
    name = _only_input(shapes, f"{key} of {file.name}")
    if key not in file.keys:
        raise TinygenError(f"{file.name} has no array {key}", file.listing())
    samples = _read(file, {name: key}, shapes)
    y_test = _classes(file, "y_test", samples) if key == "x_test" else None
    return _both(file, samples, f"{key} of {file.name}", y_test)


def _named(file: ArrayFile, shapes: Shapes) -> Dataset:
    calibration_keys = _prefixed(file, "x_calibration", shapes)
    test_keys = _prefixed(file, "x_test", shapes)
    if "y_test" in file.keys and not test_keys:
        raise TinygenError(f"{file.name} has y_test but no x_test", "add x_test, a sample for each entry")
    calibration = _read(file, calibration_keys, shapes) if calibration_keys else None
    test = _read(file, test_keys, shapes) if test_keys else calibration
    y_calibration = _classes(file, "y_calibration", calibration)
    y_test = _classes(file, "y_test", test) if test_keys else y_calibration
    source = f"x_calibration of {file.name}" if calibration_keys else ""
    test_source = f"x_test of {file.name}" if test_keys else source
    labels = check_labels(file.read("labels"), f"labels of {file.name}", y_test) if "labels" in file.keys else ()
    return Dataset(file.name, calibration, source, test, test_source, y_test, labels, y_calibration=y_calibration)


def _other(file: ArrayFile, shapes: Shapes) -> Dataset:
    if all(name in file.keys for name in shapes):
        samples = _read(file, {name: name for name in shapes}, shapes)
        return _both(file, samples, f"{', '.join(shapes)} of {file.name}")
    if len(shapes) > 1:
        raise TinygenError(f"{file.name} lacks an array for each input ({', '.join(shapes)})", file.listing())
    ((name, shape),) = shapes.items()
    fitting = [key for key in file.keys if _fits(file, key, shape)]
    expected = shape_text(shape)
    if not fitting:
        raise TinygenError(f"no array of {file.name} fits the model's input {expected}", file.listing())
    if len(fitting) > 1:
        raise TinygenError(
            f"several arrays of {file.name} fit the model's input {expected}: {', '.join(fitting)}",
            f"name one: {file.name}:{fitting[0]}",
        )
    return _both(file, _read(file, {name: fitting[0]}, shapes), f"{fitting[0]} of {file.name}")


def _vectors(file: ArrayFile, shapes: Shapes, model_sha256: str) -> Dataset:
    vectors = read_vectors(file, shapes, model_sha256)
    test = vectors.test or vectors.int8_inputs
    y_test = _classes(file, "y_test", test)
    return Dataset(
        name=file.name,
        calibration=None,
        calibration_source="",
        test=test,
        test_source=file.name,
        y_test=y_test,
        labels=_labels_if_any(file, y_test),
        int8_inputs=vectors.int8_inputs,
        int8_outputs=vectors.int8_outputs,
        float_outputs=vectors.float_outputs,
        model_sha256=vectors.model_sha256,
    )


def _both(file: ArrayFile, samples: Samples, source: str, y_test: Array | None = None) -> Dataset:
    """One set of samples for both purposes, from a file that need not follow tinygen's names."""
    labels = _labels_if_any(file, y_test)
    return Dataset(file.name, samples, source, samples, source, y_test, labels, y_calibration=y_test)


def _labels_if_any(file: ArrayFile, y_test: Array | None) -> tuple[str, ...]:
    """`labels`, if they are strings: in a file of other names they may as well be class numbers."""
    if "labels" not in file.keys:
        return ()
    array = file.read("labels")
    return check_labels(array, f"labels of {file.name}", y_test) if array.dtype.kind in "US" else ()


def _only_input(shapes: Shapes, source: str) -> str:
    if len(shapes) != 1:
        raise TinygenError(
            f"the model has {len(shapes)} inputs ({', '.join(shapes)}), and {source} is one array",
            "give an .npz with an array under the name of each input",
        )
    return next(iter(shapes))


def _prefixed(file: ArrayFile, prefix: str, shapes: Shapes) -> dict[str, str]:
    """Input name to key for `x_test` or `x_test_NAME`; empty if the file has none of them."""
    if len(shapes) == 1 and prefix in file.keys:
        return dict.fromkeys(shapes, prefix)
    keys = {name: f"{prefix}_{name}" for name in shapes}
    missing = [key for key in keys.values() if key not in file.keys]
    if 0 < len(missing) < len(keys):
        raise TinygenError(f"{file.name} has no {', '.join(missing)}", file.listing())
    return {} if missing else keys


def _fits(file: ArrayFile, key: str, shape: tuple[int | None, ...]) -> bool:
    try:
        return fits(file.read(key), shape)
    except TinygenError:
        return False


def _read(file: ArrayFile, keys: dict[str, str], shapes: Shapes) -> Samples:
    """The samples of every input, in the order of the model, as many of each."""
    samples = {
        name: check_samples(file.read(keys[name]), f"{keys[name]} of {file.name}", shape)
        for name, shape in shapes.items()
    }
    if len({len(array) for array in samples.values()}) > 1:
        counts = ", ".join(f"{keys[name]} {len(array)}" for name, array in samples.items())
        raise TinygenError(f"{file.name} has different numbers of samples ({counts})", "give as many of each")
    return samples


def _classes(file: ArrayFile, key: str, samples: Samples | None) -> Array | None:
    if samples is None or key not in file.keys:
        return None
    count = len(next(iter(samples.values())))
    return check_classes(file.read(key), f"{key} of {file.name}", count)

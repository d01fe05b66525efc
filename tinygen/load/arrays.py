"""Reading .npz and .npy files that nobody vouches for, and the checks that every array must pass.

Place in the flow: below data.py and vectors.py, which know what the keys of a file mean.
"""

from __future__ import annotations

import contextlib
import os
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from tinygen.errors import TinygenError

Array = npt.NDArray[Any]
Samples = Mapping[str, Array]
Shape = tuple[int | None, ...]
Shapes = Mapping[str, Shape]

LAYOUT_HINT = "write it with np.savez('data.npz', x_calibration=..., x_test=..., y_test=..., labels=...)"
# What numpy and zipfile raise on files that are cut, random or hostile.
_BROKEN = (ValueError, OSError, EOFError, KeyError, NotImplementedError, MemoryError, RuntimeError)
_BROKEN_ZIP = (zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True, slots=True)
class ArrayFile:
    """An open .npz (or .npy, which has no keys); its arrays are read one by one, when asked for."""

    name: str
    content: Any
    stream: BinaryIO

    def __enter__(self) -> ArrayFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()

    @property
    def single(self) -> Array | None:
        """The array of an .npy file; None for an .npz."""
        return None if isinstance(self.content, np.lib.npyio.NpzFile) else self.content

    @property
    def keys(self) -> tuple[str, ...]:
        return () if self.single is not None else tuple(self.content.files)

    def read(self, key: str) -> Array:
        """The array under a key that is there. Raises TinygenError if it is damaged or pickled."""
        try:
            array = self.content[key]
        except (*_BROKEN, *_BROKEN_ZIP) as error:
            raise _unreadable(f"{key} of {self.name}", error) from error
        if not isinstance(array, np.ndarray):
            raise TinygenError(f"{key} of {self.name} is not an array", LAYOUT_HINT)
        return array

    def listing(self) -> str:
        """Every key with its shape, for an error."""
        return "it has: " + (", ".join(self._describe(key) for key in self.keys) or "nothing")

    def _describe(self, key: str) -> str:
        try:
            return f"{key} {self.read(key).shape}"
        except TinygenError:
            return f"{key} (unreadable)"


def open_arrays(path: Path) -> ArrayFile:
    """Open an .npz or .npy. Raises TinygenError if it is neither, damaged, or holds Python objects."""
    with contextlib.ExitStack() as on_failure:
        try:
            stream = on_failure.enter_context(path.open("rb"))
            magic = stream.read(6)
            if magic != b"\x93NUMPY" and magic[:2] != b"PK":
                raise TinygenError(f"{path.name} is neither an .npy nor an .npz file", LAYOUT_HINT)
            stream.seek(0)
            file = ArrayFile(path.name, np.load(stream, allow_pickle=False), stream)
        except (*_BROKEN, *_BROKEN_ZIP) as error:
            raise _unreadable(path.name, error) from error
        on_failure.pop_all()
        return file


def _unreadable(what: str, error: BaseException) -> TinygenError:
    if "allow_pickle" in str(error):
        return TinygenError(
            f"{what} holds Python objects, not numbers",
            "save plain arrays: np.asarray(x, dtype=np.float32), labels as np.array([...], dtype=str)",
        )
    return TinygenError(f"{what} cannot be read: {str(error) or type(error).__name__}", "write the file again")


def sample_shape(shape: Shape) -> Shape:
    """The shape of one sample of a tensor: without the batch axis if the first dimension is 1 or unknown."""
    return shape[1:] if shape and shape[0] in (1, None) else shape


def shape_text(shape: Shape) -> str:
    """The shape that samples of this input have in a file, for a message: `(N, 49, 10, 1)`."""
    dims = ["N", *("any" if d is None else str(d) for d in sample_shape(shape))]
    return f"({', '.join(dims)}{',' if len(dims) == 1 else ''})"


def fits(array: Array, shape: Shape) -> bool:
    """Whether `array` holds numbers in the shape of samples of an input of this shape."""
    sample = sample_shape(shape)
    return (
        array.dtype.kind in "fiub"
        and array.ndim == len(sample) + 1
        and all(want in (None, got) for want, got in zip(sample, array.shape[1:], strict=True))
    )


def check_samples(array: Array, where: str, shape: Shape) -> Array:
    """`array` as samples (N, ...) of an input of this shape: float32, or int8 as it is.

    int16 too becomes float32, whatever the model computes with: it is what microphones give.

    `where` names the array in errors. Raises TinygenError for a wrong dtype or shape, no samples, NaN, infinity.
    """
    if array.dtype.kind not in "fiub":
        raise TinygenError(f"{where} holds {array.dtype}, not numbers", "save it as float32")
    if not fits(array, shape):
        raise TinygenError(
            f"{where} has shape {array.shape}, the model's input needs {shape_text(shape)}",
            f"N is the number of samples{_reshape_hint(array, shape)}",
        )
    if array.size == 0:
        raise TinygenError(f"{where} has no samples: its shape is {array.shape}", "give at least one")
    if array.dtype == np.int8:
        return array
    with np.errstate(over="ignore"):
        values = array.astype(np.float32)
    wrong = ~np.isfinite(values)
    if wrong.any():
        raise TinygenError(
            f"{where} has {np.count_nonzero(wrong)} values that are NaN or infinite in float32, "
            f"the first in sample {np.argwhere(wrong)[0][0]}",
            "remove these samples, or repair what computes them",
        )
    return values


def as_numbers(array: Array, name: str, below: int, where: str) -> Array:
    """Samples of an input that takes whole numbers, as int32; raises TinygenError for others.

    below: what they must be less than, or 0 if that is not known. `where` names the array in errors.
    """
    whole = np.rint(array.astype(np.float64))
    wrong = (whole != array) | (np.abs(whole) >= 1 << 31)
    if wrong.any():
        raise TinygenError(
            f"{where}: input {name} takes whole numbers, and there is {array[wrong][0]:g}",
            "give the numbers of the words (or whatever they are), not their vectors",
        )
    outside = (whole < 0) | (whole >= below)
    if below and outside.any():
        raise TinygenError(
            f"{where}: input {name} has the number {whole[outside][0]:g}, the model knows 0 to {below - 1}",
            "number the words (or whatever they are) as in training",
        )
    return whole.astype(np.int32)


def _reshape_hint(array: Array, shape: Shape) -> str:
    known = [d for d in sample_shape(shape) if d is not None]
    same_size = array.ndim > 0 and np.prod(array.shape[1:]) == np.prod(known)
    if not same_size or len(known) != len(sample_shape(shape)):
        return ""
    return f"; x.reshape({', '.join(map(str, (-1, *known)))}) has the right shape"


def check_classes(array: Array, where: str, count: int) -> Array:
    """Class numbers (N,) as int64; (N, 1) is taken too. Raises TinygenError for anything else."""
    classes = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    if classes.ndim != 1 or classes.dtype.kind not in "fiub":
        raise TinygenError(
            f"{where} has shape {array.shape} and type {array.dtype}: it must hold one class number per sample",
            "from one-hot rows: np.argmax(y, axis=1)",
        )
    if len(classes) != count:
        raise TinygenError(f"{where} has {len(classes)} entries for {count} test samples", "give as many of each")
    if not (np.isfinite(classes) & (classes >= 0) & (classes < 2**31) & (classes == np.floor(classes))).all():
        raise TinygenError(f"{where} has entries that are not 0, 1, 2, ...", "number the classes from 0")
    return classes.astype(np.int64)


def check_labels(array: Array, where: str, classes: Array | None) -> tuple[str, ...]:
    """Names of classes from an array of strings; `classes`, if given, must all have one."""
    if array.ndim != 1 or array.dtype.kind not in "US":
        raise TinygenError(
            f"{where} has shape {array.shape} and type {array.dtype}: it must be a list of strings",
            "labels=np.array(['yes', 'no'], dtype=str), in the order of the model's outputs",
        )
    try:
        labels = tuple(x.decode() if isinstance(x, bytes) else str(x) for x in array.tolist())
    except UnicodeDecodeError as error:
        raise TinygenError(f"{where} is not UTF-8", "save it as strings") from error
    if labels and classes is not None and classes.size and classes.max() >= len(labels):
        raise TinygenError(
            f"{where} names {len(labels)} classes, but y_test has class {classes.max()}", "name every class"
        )
    return labels


def write_atomically(path: Path, content: bytes) -> None:
    """Write a whole file or none: to a temporary file beside it, then rename. Raises TinygenError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise TinygenError(
            f"cannot write {path}: {error.strerror}", "choose another place, or free some space"
        ) from error

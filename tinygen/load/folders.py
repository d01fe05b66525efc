"""A folder of images, recordings or tables: which files it has, and the class that each belongs to.

Place in the flow: data.py opens a folder here; images.py, sounds.py and tables.py read the files.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinygen.errors import TinygenError
from tinygen.load.arrays import Array

_KINDS = {
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".ppm", ".pgm", ".tif", ".tiff"), "images"),
    ".wav": "recordings",
    ".csv": "tables",
}
_LAYOUT = "put a folder of files for each class into it, or all files directly"


@dataclass(frozen=True, slots=True, eq=False)
class Gathered:
    """What a loader makes of files: samples (N, ...) float32, their class numbers (N,) int64 or None, the names of
    the classes or (), and in words where they come from."""

    samples: Array
    classes: Array | None
    labels: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Folder:
    """Files of one kind ("images", "recordings", "tables"), sorted; numbers: the class of each, empty without."""

    name: str
    kind: str
    files: tuple[Path, ...]
    numbers: tuple[int, ...]
    labels: tuple[str, ...]

    def classes(self, chosen: Array) -> Array | None:
        """The classes of these files."""
        return np.array(self.numbers, np.int64)[chosen] if self.numbers else None


def open_folder(path: Path) -> Folder:
    """The files of a folder, or of its subfolders: those are the classes then, numbered in sorted order.

    Names that begin with a dot, and files of other kinds, do not count. Raises TinygenError for a folder without
    samples, with several kinds of them, an empty class, or files beside the classes.
    """
    try:
        inside = sorted(p for p in path.iterdir() if not p.name.startswith("."))
        loose = [p for p in inside if p.is_file() and p.suffix.lower() in _KINDS]
        folders = [p for p in inside if p.is_dir()]
        groups = [(p.name, _files(p)) for p in folders]
    except OSError as error:
        raise TinygenError(f"{path.name} cannot be read: {error.strerror}", "see whether you may") from error
    if loose and any(files for _, files in groups):
        raise TinygenError(f"{path.name} has files beside its folders of classes, as {loose[0].name}", _LAYOUT)
    if loose:
        return Folder(path.resolve().name, _kind(path, loose), tuple(loose), (), ())
    if not any(files for _, files in groups):
        raise TinygenError(f"{path.name} has no images, .wav or .csv files", _LAYOUT)
    empty = [name for name, files in groups if not files]
    if empty:
        raise TinygenError(f"the class {empty[0]} of {path.name} has no samples", "fill its folder or take it out")
    files = [file for _, files in groups for file in files]
    numbers = tuple(i for i, (_, files) in enumerate(groups) for _ in files)
    return Folder(path.resolve().name, _kind(path, files), tuple(files), numbers, tuple(name for name, _ in groups))


def _files(folder: Path) -> list[Path]:
    found = (p for p in folder.rglob("*") if p.suffix.lower() in _KINDS and not p.name.startswith("."))
    return sorted(p for p in found if p.is_file())


def _kind(path: Path, files: list[Path]) -> str:
    kinds = sorted({_KINDS[file.suffix.lower()] for file in files})
    if len(kinds) > 1:
        raise TinygenError(f"{path.name} has {' and '.join(kinds)}", "give a folder with one kind of files")
    return kinds[0]

"""A CSV of sensor values, or a folder of them, becomes windows of the model's length.

Place in the flow: data.py calls it. A row is a moment, a column a channel; a column may name the class of each row.
"""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from tinygen.errors import TinygenError
from tinygen.load.arrays import Array, Shape, sample_shape, shape_text
from tinygen.load.featured import OPTION, features_of, samples_needed, table_of
from tinygen.load.folders import Folder, Gathered
from tinygen.load.spec import Spec
from tinygen.load.subset import MOST_BYTES
from tinygen.load.windows import Track, cut

_LABEL = "label"  # the column that names classes if nothing else is said
_DELIMITERS = ",;\t"


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """One file: values (rows, channels) float32 and the class of each row in words, None without."""

    values: Array
    names: tuple[str, ...] | None


def load_tables(folder: Folder, spec: Spec, shape: Shape) -> Gathered:
    """Windows of the input's shape, float32; of a folder with classes each file belongs to its subfolder's.

    Options: hop=N rows from one window to the next (default: a window's length), columns=A+B+C, the channels in their
    order (default: all but the label), label=COLUMN (default: `label`, if there is one), features=TABLE if the model
    takes what that makes of the rows. A window never spans two files or a change of the label. Raises TinygenError.
    """
    spec.need_only("hop", "columns", "label", OPTION)
    table = table_of(spec)
    wanted = tuple(spec.options["columns"].split("+")) if "columns" in spec.options else ()
    tables = [_read(path, wanted, spec.options.get("label")) for path in folder.files]
    if table is None:
        length, turned = _layout(shape, tables[0].values.shape[1], folder.name)
    else:
        length, turned = samples_needed(table, shape), False
    labels, pieces = _pieces(folder, tables)
    tracks = [Track(len(values), number, partial(np.asarray, values)) for values, number in pieces]
    tracks = [track for track in tracks if track.frames >= length]
    if not tracks:
        longest = max((len(values) for values, _ in pieces), default=0)
        raise TinygenError(
            f"a window of the model has {length} rows, the longest stretch of {folder.name} has {longest}",
            "record longer ones: a window spans neither two files nor a change of the label",
        )
    windows, numbers, total = cut(tracks, length, spec.whole("hop", length))
    if turned:
        windows = windows.swapaxes(1, 2)
    some = "" if len(windows) == total else f"{len(windows)} of "
    if table is None:
        values = windows.reshape(-1, *(int(d) for d in sample_shape(shape) if d is not None))
    else:
        values = features_of(windows, table, shape, folder.name)
    classes = None if labels is None else numbers
    return Gathered(values, classes, labels or (), f"{some}{total} windows of {folder.name}")


def _layout(shape: Shape, channels: int, name: str) -> tuple[int, bool]:
    """(rows of a window, whether the model has its channels first). Raises TinygenError."""
    sample = sample_shape(shape)
    known = [d for d in sample if d is not None]
    size = int(np.prod(known))
    if len(known) == len(sample) and size % channels == 0:
        length = size // channels
        long = [d for d in known if d > 1]
        if long in ([length, channels], [size]) or 1 in (length, channels):
            return length, False
        if long == [channels, length]:
            return length, True
    raise TinygenError(
        f"{name} has {channels} columns of values, which do not fit the model's input {shape_text(shape)}",
        "choose the channels: --data FILE.csv,columns=ax+ay+az (and label=COLUMN for the classes)",
    )


def _pieces(folder: Folder, tables: Sequence[_Table]) -> tuple[tuple[str, ...] | None, list[tuple[Array, int]]]:
    """The names of the classes (None: there are no classes), and stretches of one class with its number."""
    if any(table.values.shape[1] != tables[0].values.shape[1] for table in tables):
        odd = next(i for i, t in enumerate(tables) if t.values.shape[1] != tables[0].values.shape[1])
        raise TinygenError(f"{folder.files[odd].name} has other columns than {folder.files[0].name}", "say columns=")
    if folder.numbers:
        return folder.labels, [(table.values, n) for table, n in zip(tables, folder.numbers, strict=True)]
    if any(table.names is None for table in tables):
        return None, [(table.values, 0) for table in tables]
    known = sorted({name for table in tables for name in table.names or ()})
    numbered = all(name.isdecimal() and len(name) < 9 for name in known)
    number = {name: int(name) if numbered else i for i, name in enumerate(known)}
    pieces = [(values, number[name]) for table in tables for name, values in _stretches(table)]
    return () if numbered else tuple(known), pieces


def _stretches(table: _Table) -> Iterator[tuple[str, Array]]:
    """Rows one after the other that have the same class."""
    names = np.array(table.names or ())
    ends = [*(np.flatnonzero(names[1:] != names[:-1]) + 1).tolist(), len(names)]
    for start, end in zip([0, *ends[:-1]], ends, strict=True):
        yield str(names[start]), table.values[start:end]


def _read(path: Path, wanted: Sequence[str], label: str | None) -> _Table:
    """Raises TinygenError for what is no table of numbers; the line is named."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise TinygenError(f"{path.name} is larger than {MOST_BYTES >> 20} MB", "cut it into pieces")
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            file.seek(0)
            delimiter = max(_DELIMITERS, key=first.count)
            rows = csv.reader(file, delimiter=delimiter)
            return _table(
                path.name, rows, [c.strip() for c in next(csv.reader([first], delimiter=delimiter), [])], wanted, label
            )
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TinygenError(
            f"{path.name} is no CSV in UTF-8: {' '.join(str(error).split())[:120]}", "save it again"
        ) from error


def _table(name: str, rows: Iterator[list[str]], first: list[str], wanted: Sequence[str], label: str | None) -> _Table:
    has_header = not all(map(_is_number, first))
    header = first if has_header else [str(i) for i in range(len(first))]
    if label is None and _LABEL in header and has_header:
        label = _LABEL
    missing = [column for column in (*wanted, *([label] if label else [])) if column not in header]
    if missing or not first:
        raise TinygenError(f"{name} has no column {', '.join(missing)}", f"it has {', '.join(header) or 'nothing'}")
    taken = [header.index(c) for c in wanted] or [i for i, c in enumerate(header) if c != label]
    where = header.index(label) if label else None
    values, names = array("d"), []
    for number, row in enumerate(rows, 1):
        if not row or (has_header and number == 1):
            continue
        if len(row) != len(header):
            raise TinygenError(
                f"line {number} of {name} has {len(row)} cells, the first has {len(header)}", "repair it"
            )
        try:
            values.extend([float(row[i]) for i in taken])
        except ValueError:
            bad = next(i for i in taken if not _is_number(row[i]))
            raise TinygenError(
                f"line {number} of {name} has {row[bad][:20]!r} in column {header[bad]}, which is no number",
                "repair it, or choose the channels: columns=A+B (and label=COLUMN for the classes)",
            ) from None
        if where is not None:
            names.append(row[where].strip())
    if not values:
        raise TinygenError(f"{name} has no rows of values", "give at least as many as a window has")
    with np.errstate(over="ignore"):  # to infinity, which no sample may have
        numbers = np.frombuffer(values).astype(np.float32).reshape(-1, len(taken))
    return _Table(numbers, tuple(names) if where is not None else None)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True

"""Labelled events of a recording: a CSV of start,end,label in seconds. Files are untrusted.

Place in the flow: read for `tinygen tune-decision`; tradeoff.py holds decisions against them.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from tinygen.errors import TinygenError

_HINT = "lines of start,end,label, with both times in seconds"
_LARGEST_FILE = 1 << 24


@dataclass(frozen=True, slots=True)
class Event:
    """Something to decide for: from `start` to `end`, in seconds of its recording."""

    start: float
    end: float
    label: str


def read_events(path: Path, seconds: float) -> tuple[Event, ...]:
    """The events of a recording of so many seconds, by their start; a first line `start,end,label` is a header.

    Raises TinygenError that names the line at fault.
    """
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise TinygenError(f"{path} is too large for a list of events", _HINT)
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [(number, [cell.strip() for cell in row]) for number, row in enumerate(csv.reader(file), 1) if row]
    except (OSError, ValueError, csv.Error) as error:  # ValueError: no UTF-8
        raise TinygenError(f"{path} cannot be read: {error}", _HINT) from error
    if rows and rows[0][1] == ["start", "end", "label"]:
        rows = rows[1:]
    events = (_event(row, seconds, f"{path}, line {number}") for number, row in rows)
    return tuple(sorted(events, key=lambda event: event.start))


def _event(row: list[str], seconds: float, where: str) -> Event:
    try:
        start, end, label = row
        event = Event(float(start), float(end), label)
    except ValueError as error:
        raise TinygenError(f"{where}: this is no event: {','.join(row)[:80]}", _HINT) from error
    if not (isfinite(event.end) and 0 <= event.start < event.end and label):
        raise TinygenError(f"{where}: an event from {start} to {end} s, called '{label[:40]}'", _HINT)
    if event.start >= seconds:
        raise TinygenError(f"{where}: it begins at {start} s, and the recording has {seconds:.1f} s", _HINT)
    return event

"""What a model's features are made of: the TOML table beside the model (docs/features.md), checked.

Place in the flow: read by a training script and by the command line; the numpy twin, the tables and the C follow it.
"""

from __future__ import annotations

import functools
import importlib
import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema

from tinygen.errors import TinygenError

# by name: the type checker sees one Python version only, and the other's module is not there
_TOML = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
_HINT = "docs/features.md says what stands there; commands take no table with `--features none`"
_LARGEST_FILE = 1 << 20
_COMMON = {"kind", "rate", "window", "hop", "stride", "channels", "offset", "scale", "decision", "drift"}
_SPECTRAL = {"fft", "low_hz", "high_hz"}
# for each kind the keys that it must have, and those that it may have
_KEYS: dict[str, tuple[set[str], set[str]]] = {
    "spectrogram": (set(), _SPECTRAL),
    "log_mel": ({"bands"}, _SPECTRAL),
    "mfcc": ({"bands", "coefficients"}, _SPECTRAL),
    "statistics": ({"statistics"}, set()),
}
# whole numbers with their defaults; those of `rate`, `window` and `hop` are never taken
_WHOLE = {"rate": 0, "window": 0, "hop": 0, "stride": 0, "channels": 1, "fft": 0, "bands": 0, "coefficients": 0}


@dataclass(frozen=True, slots=True)
class Definition:
    """A table with its defaults filled in. `window` and `hop` are in samples, `stride` in frames (0: as many as the
    model takes). `fft`, `bands`, `coefficients` are 0 and `statistics` is () where the kind has none. `offset` and
    `scale` have one entry, or one for each feature of a channel."""

    kind: str
    rate: int
    window: int
    hop: int
    stride: int
    channels: int
    fft: int
    low_hz: float
    high_hz: float
    bands: int
    coefficients: int
    statistics: tuple[str, ...]
    offset: tuple[float, ...]
    scale: tuple[float, ...]

    @property
    def bins(self) -> tuple[int, int]:
        """The first and the last bin of the spectrum between low_hz and high_hz."""
        first = -int(-self.low_hz * self.fft // self.rate)
        return first, min(int(self.high_hz * self.fft // self.rate), self.fft // 2)

    @property
    def features_per_channel(self) -> int:
        first, last = self.bins
        made = {"spectrogram": last - first + 1, "log_mel": self.bands, "mfcc": self.coefficients}
        return made.get(self.kind, len(self.statistics))

    @property
    def features(self) -> int:
        """How many a frame has: those of the first channel, then those of the next."""
        return self.channels * self.features_per_channel

    @property
    def fraction_bits(self) -> int:
        """A feature is its fixed-point value / 2 ** fraction_bits."""
        return 4 if self.kind == "statistics" else 10


def load_definition(path: Path | str) -> Definition:
    """Read a table; raises TinygenError that names the key at fault."""
    return load_table(path)[0]


def load_table(path: Path | str) -> tuple[Definition, dict[str, Any]]:
    """Read a table: its definition, and all its content, checked; raises TinygenError that names the key at fault."""
    path = Path(path)
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise TinygenError(f"{path} is too large for a table of features", _HINT)
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:  # ValueError: no UTF-8
        raise TinygenError(f"{path} cannot be read: {error}", _HINT) from error
    try:
        return parse_table(text)
    except TinygenError as error:
        raise TinygenError(f"{path}: {error}", error.hint) from error


def parse_table(text: str) -> tuple[Definition, dict[str, Any]]:
    """As load_table, of a file's text."""
    try:
        content = _TOML.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: no TOML
        raise TinygenError(f"this cannot be read: {error}", _HINT) from error
    return definition_of(content), content


def definition_of(content: dict[str, Any]) -> Definition:
    """A table that was read already; raises TinygenError that names the key at fault."""
    try:
        jsonschema.validate(content, _schema())
    except jsonschema.ValidationError as error:
        field = "/".join(str(part) for part in error.absolute_path)
        raise TinygenError(f"{field}: {error.message}" if field else error.message, _HINT) from error
    kind = content["kind"]
    must, may = _KEYS[kind]
    for key in sorted(must - set(content)):
        raise TinygenError(f"kind '{kind}' needs '{key}'", _HINT)
    for key in sorted(set(content) - _COMMON - must - may):
        raise TinygenError(f"kind '{kind}' has no '{key}'", _HINT)
    # a schema takes 480.0 as an integer, too
    whole = {key: int(content.get(key, default)) for key, default in _WHOLE.items()}
    if kind != "statistics" and not whole["fft"]:
        whole["fft"] = 1 << (whole["window"] - 1).bit_length()
    definition = Definition(
        kind=kind,
        **whole,
        low_hz=float(content.get("low_hz", 0.0)),
        high_hz=float(content.get("high_hz", whole["rate"] / 2)),
        statistics=tuple(content.get("statistics", ())),
        offset=_numbers(content.get("offset", 0.0)),
        scale=_numbers(content.get("scale", 1.0)),
    )
    _need_sense(definition)
    return definition


def _numbers(value: float | list[float]) -> tuple[float, ...]:
    return tuple(map(float, value)) if isinstance(value, list) else (float(value),)


def _need_sense(d: Definition) -> None:
    """Raise for what a schema cannot say."""
    for name, values in (("offset", d.offset), ("scale", d.scale), ("low_hz", (d.low_hz,)), ("high_hz", (d.high_hz,))):
        if not all(map(math.isfinite, values)):
            raise TinygenError(f"{name}: nan is no number", "give finite numbers")
    if d.hop > d.window:
        raise TinygenError(f"a hop of {d.hop} samples is longer than the window of {d.window}", "choose a smaller hop")
    if d.fft:
        if d.fft < d.window:
            raise TinygenError(f"an fft of {d.fft} points is shorter than the window of {d.window}", "leave fft out")
        if d.high_hz > d.rate / 2:
            raise TinygenError(
                f"high_hz: {d.high_hz:g} is more than half of the rate", f"at most {d.rate / 2:g} at {d.rate}"
            )
        if d.low_hz >= d.high_hz or d.bins[0] > d.bins[1]:
            raise TinygenError(
                f"no frequency of the fft lies between {d.low_hz:g} and {d.high_hz:g} Hz", "choose them further apart"
            )
    if d.coefficients > d.bands:
        raise TinygenError(f"{d.coefficients} coefficients of {d.bands} bands", "at most as many as bands")
    for name, values in (("offset", d.offset), ("scale", d.scale)):
        if len(values) not in (1, d.features_per_channel):
            raise TinygenError(
                f"{name}: {len(values)} numbers for {d.features_per_channel} features",
                "give one number, or one for each feature of a channel",
            )
    if min(d.scale) < 1e-6:
        raise TinygenError(f"scale: {min(d.scale):g} is too small", "at least 0.000001: a feature is divided by it")


@functools.cache
def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((Path(__file__).parent / "schema.json").read_text(encoding="utf-8"))
    return schema

"""Recordings for a model that takes features: windows of samples become what its table says (docs/features.md).

Place in the flow: sounds.py and tables.py cut the windows. The option features=TABLE comes from the user, or from
settle.py where a table lies beside the model.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tinygen.errors import TinygenError
from tinygen.features import Definition, compute, load_definition
from tinygen.load.arrays import Array, Shape, sample_shape, shape_text
from tinygen.load.spec import Spec

OPTION = "features"


def table_of(spec: Spec) -> Definition | None:
    """The table that the option names, None without one. Raises TinygenError."""
    return load_definition(Path(spec.options[OPTION])) if OPTION in spec.options else None


def samples_needed(table: Definition, shape: Shape) -> int:
    """How many samples make one input of this shape, with its batch axis. Raises TinygenError where none do."""
    known = [d for d in sample_shape(shape) if d is not None]
    size = int(np.prod(known))
    if len(known) < len(sample_shape(shape)) or size % table.features or size == 0:
        raise TinygenError(
            f"the table makes {table.features} features of a frame, the model's input is {shape_text(shape)}",
            "the last axis must be the features of a frame; `--features none` if the input is no features",
        )
    return table.window + (size // table.features - 1) * table.hop


def features_of(windows: Array, table: Definition, shape: Shape, source: str) -> Array:
    """Features (N, ...) float32 in the shape of the model's samples, as the device computes them.

    windows: (N, samples, channels), whole numbers of int16. Raises TinygenError for others, and for other channels.
    """
    if windows.shape[2] != table.channels:
        raise TinygenError(
            f"{source} has {windows.shape[2]} channels, the table of features {table.channels}",
            "choose the columns, or change `channels` in the table",
        )
    whole = np.rint(windows)
    if not np.array_equal(whole, windows) or not -32768 <= whole.min() <= whole.max() <= 32767:
        raise TinygenError(
            f"{source} has values that are no whole numbers of 16 bits, and features are made of such",
            "record what the sensor gives, without scaling it",
        )
    samples = whole.astype(np.int16)
    made = compute(samples[:, :, 0] if table.channels == 1 else samples, table)
    return made.reshape(len(windows), *(int(d) for d in sample_shape(shape) if d is not None))

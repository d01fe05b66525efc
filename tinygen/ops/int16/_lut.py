"""Functions of int16 as 513 entries with lines between them; equals LUTPopulate and LUTLookup of TFLM's common.h.

Entry i stands for the value 128 * (i - 256). It is moved by half of the error that the line to the next one would
have in the middle.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tinygen.ir import Array
from tinygen.ops._real import round_half_away

_STEPS = 512


def populate(
    function: Callable[[Array], Array], input_low: float, input_high: float, output_scale: float, dtype: str = "float64"
) -> Array:
    """The table, int16 (513,), of a function of real values; input_low is what -32768 stands for.

    output_scale: the value of an output step, zero point 0. dtype: of the arithmetic; TFLM's is float32.
    """
    real = np.dtype(dtype).type
    low, high = real(input_low), real(input_high)
    scale = real(output_scale)
    span = scale * real(32767) - scale * real(-32768)
    inverse = real(65536) / real(span)
    step = real((high - low) / real(_STEPS))
    index = np.arange(_STEPS, dtype=dtype)
    values = function(low + index * step) * inverse
    middles = function(low + index * step + step / real(2)) * inverse
    following = function(low + (index + real(1)) * step) * inverse
    samples = round_half_away(values)
    errors = round_half_away((following + samples) / real(2)) - round_half_away(middles)
    last = round_half_away(function(np.array([high], dtype)) * inverse)
    table = np.concatenate([samples - round_half_away(errors / real(2)), last])
    clipped: Array = np.clip(table, -32768, 32767).astype(np.int16)
    return clipped


def look_up(table: Array, x: Array) -> Array:
    """The function of int16 values, int64."""
    wide, x = table.astype(np.int64), x.astype(np.int64)
    index = 256 + (x >> 7)
    base = wide[index]
    found: Array = base + (((wide[index + 1] - base) * (x & 127) + 64) >> 7)
    return found

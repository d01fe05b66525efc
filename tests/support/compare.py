"""Comparison to the bit; and of floats with those of another library."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinygen.ir import Array

# of float outputs against TFLM's: relative to the largest value of the output
TOLERANCE = 1e-5


def difference(got: Sequence[Array], wanted: Sequence[Array]) -> str:
    """What differs between two lists of arrays in shape, dtype or any bit; "" when they are equal."""
    if len(got) != len(wanted):
        return f"{len(got)} arrays, not {len(wanted)}"
    for index, (a, b) in enumerate(zip(got, wanted, strict=True)):
        if a.shape != b.shape or a.dtype != b.dtype:
            return f"output {index} is {a.dtype} {a.shape}, not {b.dtype} {b.shape}"
        if a.tobytes() != b.tobytes():
            where = np.flatnonzero(a.reshape(-1) != b.reshape(-1))
            shown = [(int(i), a.reshape(-1)[i].item(), b.reshape(-1)[i].item()) for i in where[:4]]
            return f"output {index} differs in {len(where)} of {a.size} elements, (index, it, wanted): {shown}"
    return ""


def distance(got: Sequence[Array], wanted: Sequence[Array]) -> str:
    """What is farther apart than TOLERANCE times the largest finite value wanted; "" when nothing is.

    Infinities must be the same; what is no float is compared to the bit.
    """
    for index, (a, b) in enumerate(zip(got, wanted, strict=True)):
        if a.dtype != np.float32 or a.shape != b.shape:
            if complaint := difference([a], [b]):
                return complaint
            continue
        finite = np.isfinite(b)
        largest = float(np.abs(b[finite]).max(initial=0))
        with np.errstate(invalid="ignore", over="ignore"):
            far = np.abs(a.astype(np.float64) - b) > TOLERANCE * largest
        where = np.flatnonzero(np.where(finite, far | ~np.isfinite(a), a != b))
        if where.size:
            shown = [(int(i), a.reshape(-1)[i].item(), b.reshape(-1)[i].item()) for i in where[:4]]
            return f"output {index} is too far off in {len(where)} of {a.size} elements, (index, it, wanted): {shown}"
    return ""

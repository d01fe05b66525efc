"""Comparison to the bit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinygen.ir import Array


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

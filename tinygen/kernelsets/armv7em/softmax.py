"""SOFTMAX: four elements at a time by a table that has an end for all larger differences."""

from __future__ import annotations

import numpy as np

from tinygen.kernelsets._call import constant, fields, served_by
from tinygen.ops.base import Constant, KernelCall

SERVES = ("softmax_s8",)
_FEW = 64


def offer(call: KernelCall, aim: str) -> KernelCall | None:
    """The kernel softmax_s8_dsp; but not for `size` or few elements, as its code has some 500 bytes more."""
    depth, table = fields(call)["depth"], constant(call, "exp_table")
    if aim == "size" or call.rows * depth < _FEW:
        return None
    ended = table if len(table) == 256 else np.append(table, np.int32(0))
    params = (("depth", depth), ("last", len(ended) - 1), ("exp_table", Constant("exp_table", ended)))
    return served_by(call, "softmax_s8_dsp", params, call.rows * (15 * depth + 120))

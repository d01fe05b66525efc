"""What the fast requantization asks for.

The kernels take 2 * accumulator times the multiplier, its high word, times 2^(32 - right shift): exact for right
shifts from 2 on.
"""

from __future__ import annotations

import numpy as np

from tinygen.ir import Array
from tinygen.kernelsets._filters import Filters, call_filters
from tinygen.ops.base import KernelCall

_LARGEST = 1 << 30  # of an accumulator: twice it is an int32
_SHIFT = -2  # the largest


def fast_filters(call: KernelCall, weights: Array, bias: Array) -> Filters | None:
    """The filters (M, K) of a call with a bias (M,); None where a sum could leave 31 bits, or a shift is too small."""
    filters = call_filters(call, weights, bias, still_shift=_SHIFT)
    if filters is None or filters.shift.max(initial=_SHIFT) > _SHIFT or not filters.within(-_LARGEST, _LARGEST):
        return None
    return filters


def factors(filters: Filters) -> Array:
    """2^(32 - right shift), the second multiplier of the kernels, int64 (M,)."""
    factor: Array = np.int64(1) << (32 + filters.shift)
    return factor

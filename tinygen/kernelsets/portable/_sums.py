"""What tg_requantize_sum asks of a call's sums."""

from __future__ import annotations

import numpy as np

from tinygen.ir import Array
from tinygen.kernelsets._filters import Filters, call_filters
from tinygen.ops.base import KernelCall

_LARGEST = 1 << 28  # see tg_requantize_sum


def narrow_filters(call: KernelCall, weights: Array, bias: Array) -> Filters | None:
    """The filters (M, K) of a call with a bias (M,), or None where tg_requantize_sum is not made for their sums."""
    filters = call_filters(call, weights, bias, still_shift=-2)
    if filters is None or filters.multiplier.min(initial=0) < 0:
        return None
    low, high = filters.bounds()
    largest = np.maximum(-low, high) << np.maximum(filters.shift, 0)
    return filters if largest.max(initial=0) < _LARGEST else None

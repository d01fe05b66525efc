"""The filters of a call to a convolution or a dense layer, by which kernel sets see what is exact."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinygen.fixedpoint import multiply_by_quantized_multiplier
from tinygen.ir import Array
from tinygen.kernelsets._call import constant, fields
from tinygen.ops.base import KernelCall


@dataclass(frozen=True, slots=True, eq=False)
class Filters:
    """Filters with the input zero point in the bias, int64: weights (M, K), the others (M,).

    A sum is multiplied by multiplier * 2^(shift - 31): shifts to the right are negative.
    """

    weights: Array
    bias: Array
    multiplier: Array
    shift: Array

    def bounds(self) -> tuple[Array, Array]:
        """The smallest and largest sum that any int8 input gives, int64 (M,) each."""
        extremes = self.weights * -128, self.weights * 127
        return self.bias + np.minimum(*extremes).sum(axis=1), self.bias + np.maximum(*extremes).sum(axis=1)

    def within(self, low: int, high: int) -> bool:
        """Whether every sum of any int8 input lies in [low, high)."""
        lowest, highest = self.bounds()
        return bool(lowest.min(initial=low) >= low and highest.max(initial=high - 1) < high)


def call_filters(call: KernelCall, weights: Array, bias: Array, still_shift: int) -> Filters | None:
    """The filters (M, K) of a call with the params multiplier, shift, output_zero_point and activation limits.

    bias: int (M,), the input zero point folded in. A channel whose output never changes (a converter leaves many, with
    absurd multipliers) comes back as a filter of zeros that gives this output with a multiplier of a half and the
    shift `still_shift` (at most 0). None where a sum could leave 32 bits.
    """
    p = fields(call)
    zero, limits = p["output_zero_point"], (p["activation_min"], p["activation_max"])
    multiplier, shift = (constant(call, name).astype(np.int64) for name in ("multiplier", "shift"))
    filters = Filters(weights.astype(np.int64), bias.astype(np.int64), multiplier, shift)
    if not filters.within(-(1 << 31), 1 << 31):
        return None
    low, high = filters.bounds()
    ends = [np.clip(multiply_by_quantized_multiplier(a, multiplier, shift) + zero, *limits) for a in (low, high)]
    # a left shift may wrap, so that the ends say nothing of what lies between
    still = (ends[0] == ends[1]) & ((shift <= 0) | (low == high))
    return Filters(
        np.where(still[:, None], 0, filters.weights),
        np.where(still, (ends[0] - zero) << (1 - still_shift), filters.bias),
        np.where(still, 1 << 30, multiplier),
        np.where(still, still_shift, shift),
    )

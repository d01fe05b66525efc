"""What the kernels of this set ask of a call's sums, and the same filters in a form that grants it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinygen.fixedpoint import multiply_by_quantized_multiplier
from tinygen.ir import Array
from tinygen.ops.base import Constant, KernelCall

Params = tuple[tuple[str, int | float | tuple[int, ...] | Constant], ...]
_LARGEST = 1 << 28  # see tg_requantize_sum


def fields(call: KernelCall) -> dict[str, int]:
    """The numbers among a call's params by name."""
    return {name: value for name, value in call.params if isinstance(value, int)}


def constant(call: KernelCall, name: str) -> Array:
    """The values of a constant among a call's params."""
    return next(c.values for c in call.constants if c.field == name)


@dataclass(frozen=True, slots=True, eq=False)
class Filters:
    """Filters with the input zero point in the bias: weights int8 (M, K); bias, multiplier and shift int64 (M,)."""

    weights: Array
    bias: Array
    multiplier: Array
    shift: Array

    def bounds(self) -> tuple[Array, Array]:
        """The smallest and largest sum that any int8 input gives, int64 (M,) each."""
        weights = self.weights.astype(np.int64)
        extremes = weights * -128, weights * 127
        return self.bias + np.minimum(*extremes).sum(axis=1), self.bias + np.maximum(*extremes).sum(axis=1)


def narrow_filters(call: KernelCall, weights: Array, bias: Array) -> Filters | None:
    """The filters (M, K) of a call with a bias (M,), or None where tg_requantize_sum is not made for their sums.

    A channel whose output never changes (converters leave many, with absurd multipliers) comes back as a filter of
    zeros that gives it.
    """
    p = fields(call)
    multiplier, shift = (constant(call, name).astype(np.int64) for name in ("multiplier", "shift"))
    filters = Filters(weights, bias.astype(np.int64), multiplier, shift)
    low, high = filters.bounds()
    if low.min(initial=0) < -(1 << 31) or high.max(initial=0) >= 1 << 31 or multiplier.min(initial=0) < 0:
        return None
    zero, limits = p["output_zero_point"], (p["activation_min"], p["activation_max"])
    ends = [np.clip(multiply_by_quantized_multiplier(a, multiplier, shift) + zero, *limits) for a in (low, high)]
    # a left shift may wrap, so that the ends say nothing of what lies between
    same = (ends[0] == ends[1]) & ((shift <= 0) | (low == high))
    filters = Filters(
        np.where(same[:, None], 0, weights).astype(np.int8),
        np.where(same, (ends[0] - zero) * 8, filters.bias),
        np.where(same, 1 << 30, multiplier),
        np.where(same, -2, shift),
    )
    low, high = filters.bounds()
    largest = np.maximum(-low, high) << np.maximum(filters.shift, 0)
    return filters if largest.max(initial=0) < _LARGEST else None

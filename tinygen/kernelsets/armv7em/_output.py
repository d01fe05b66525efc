"""What the fast requantization asks for, and the same filters in a form in which it is exact.

The kernels take 2 * accumulator times the multiplier, its high word, times 2^(32 - right shift): exact for right
shifts from 2 on. A channel whose output never changes needs no arithmetic at all: it becomes a filter of zeros.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tinygen.fixedpoint import multiply_by_quantized_multiplier
from tinygen.ir import Array
from tinygen.ops.base import Constant, KernelCall

Params = tuple[tuple[str, int | float | tuple[int, ...] | Constant], ...]
_LARGEST = 1 << 30  # of an accumulator: twice it is an int32


def served_by(
    call: KernelCall,
    kernel: str,
    params: Params,
    cost: float,
    call_cost: float = 100,
    scratch_bytes: int = 0,
    rows_at_once: int = 1,
) -> KernelCall:
    """The same rows by another kernel: operands stay, and which rows are read. `cost` is that of one image.

    All costs of this set are estimated cycles of a Cortex-M4: a list of loads is one instruction, but not one cycle.
    """
    return replace(
        call,
        kernel=kernel,
        params=params,
        scratch_bytes=scratch_bytes,
        rows_at_once=rows_at_once,
        cost=int(cost) * call.output.images,
        call_cost=int(call_cost),
    )


def fields(call: KernelCall) -> dict[str, int]:
    """The numbers among a call's params by name."""
    return {name: value for name, value in call.params if isinstance(value, int)}


def constant(call: KernelCall, name: str) -> Array:
    """The values of a constant among a call's params."""
    return next(c.values for c in call.constants if c.field == name)


@dataclass(frozen=True, slots=True, eq=False)
class Filters:
    """Filters with the input zero point in the bias, int64: weights (M, K), the others (M,); shifts to the right."""

    weights: Array
    bias: Array
    multiplier: Array
    shift: Array

    @property
    def factor(self) -> Array:
        """2^(32 - shift), the second multiplier of the kernels, int64 (M,)."""
        factor: Array = np.int64(1) << (32 - self.shift)
        return factor

    def bounds(self) -> tuple[Array, Array]:
        """The smallest and largest accumulator that any int8 input gives, (M,) each."""
        extremes = self.weights * -128, self.weights * 127
        return (
            self.bias + np.minimum(*extremes).sum(axis=1),
            self.bias + np.maximum(*extremes).sum(axis=1),
        )


def fast_filters(call: KernelCall, weights: Array, bias: Array) -> Filters | None:
    """The filters (M, K) of a call with the params multiplier, shift, output_zero_point and activation limits.

    bias: int (M,), the input zero point folded in. None when an accumulator could leave 31 bits, or a shift is too
    small. Channels that always give the same output come back as zeros that give it.
    """
    p = fields(call)
    zero, limits = p["output_zero_point"], (p["activation_min"], p["activation_max"])
    multiplier, shift = (constant(call, name).astype(np.int64) for name in ("multiplier", "shift"))
    filters = Filters(weights.astype(np.int64), bias.astype(np.int64), multiplier, -shift)
    low, high = filters.bounds()
    if low.min(initial=0) < -(1 << 31) or high.max(initial=0) >= 1 << 31:
        return None
    ends = [np.clip(multiply_by_quantized_multiplier(a, multiplier, shift) + zero, *limits) for a in (low, high)]
    # a left shift may wrap, so that the ends say nothing of what lies between
    same = (ends[0] == ends[1]) & ((shift <= 0) | (low == high))
    filters = Filters(
        np.where(same[:, None], 0, filters.weights),
        np.where(same, (ends[0] - zero) * 8, filters.bias),
        np.where(same, 1 << 30, multiplier),
        np.where(same, 2, filters.shift),
    )
    low, high = filters.bounds()
    if filters.shift.min(initial=2) < 2 or low.min(initial=0) < -_LARGEST or high.max(initial=0) >= _LARGEST:
        return None
    return filters


def int32_words(name: str, words: Array) -> Constant:
    """Values of 32 bits, signed or not, as an int32 constant."""
    return Constant(name, words.astype(np.int64).astype(np.uint32).view(np.int32).reshape(-1))

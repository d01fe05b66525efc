"""Filters as tg_mac.h and tg_output.h want them, or none where a sum or a shift is beyond what is exact there.

Sums are taken modulo 2^24, of elements and weights each + 128. So a sum, with all that is to be added to it, must lie
within 24 bits for every possible input; and the right shift behind the multiplier must be 1 to 16.
"""

from __future__ import annotations

import numpy as np

from tinygen.fixedpoint import multiply_by_quantized_multiplier
from tinygen.ir import Array
from tinygen.kernelsets.armv7em._output import Filters, Params, constant, fields
from tinygen.ops.base import Constant, KernelCall

_LIMIT = 1 << 23
_SHIFTS = (1, 16)


def exact_filters(call: KernelCall, weights: Array, bias: Array) -> Filters | None:
    """The filters (M, K) of a call with the params multiplier, shift, output_zero_point and activation limits.

    bias: int (M,), the input zero point folded in. Channels that always give the same output come back as zeros that
    give it, whatever their multiplier. None where another one is beyond the limits.
    """
    p = fields(call)
    zero, least, most = p["output_zero_point"], p["activation_min"], p["activation_max"]
    multiplier, shift = (constant(call, name).astype(np.int64) for name in ("multiplier", "shift"))
    filters = Filters(weights.astype(np.int64), bias.astype(np.int64), multiplier, -shift)
    low, high = filters.bounds()
    if not least <= zero <= most or low.min(initial=0) < -(1 << 31) or high.max(initial=0) >= 1 << 31:
        return None
    ends = [np.clip(multiply_by_quantized_multiplier(a, multiplier, shift) + zero, least, most) for a in (low, high)]
    # a left shift may wrap, so that the ends say nothing of what lies between
    same = (ends[0] == ends[1]) & ((shift <= 0) | (low == high))
    filters = Filters(
        np.where(same[:, None], 0, filters.weights),
        np.where(same, (ends[0] - zero) * 4, filters.bias),
        np.where(same, 1 << 30, multiplier),
        np.where(same, _SHIFTS[0], filters.shift),
    )
    low, high = filters.bounds()
    if low.min(initial=0) < -_LIMIT or high.max(initial=0) >= _LIMIT:
        return None
    if filters.shift.min(initial=_SHIFTS[0]) < _SHIFTS[0] or filters.shift.max(initial=_SHIFTS[0]) > _SHIFTS[1]:
        return None
    return filters


def limits(call: KernelCall) -> Params:
    """The fields of a call's output: zero point, and how far below and above it the outputs reach."""
    p = fields(call)
    zero = p["output_zero_point"]
    rooms = ("down", zero - p["activation_min"]), ("up", p["activation_max"] - zero)
    return ("output_zero_point", zero), *rooms


def packed(filters: Filters) -> Params:
    """The fields `weights` (of pairs, by turns) and `channels` of kernels that multiply columns."""
    count, depth = filters.weights.shape
    padded = np.zeros((-(-count // 2) * 2, -(-depth // 2) * 2), np.int64)
    padded[:count, :depth] = filters.weights + 128
    by_turns = padded.reshape(len(padded) // 2, 2, -1).transpose(0, 2, 1)
    # (x + 128) * (w + 128) = x * w + 128 * (x + 128) + 128 * w; the kernel subtracts the second of these
    added = filters.bias - 128 * filters.weights.sum(axis=1)
    return ("weights", _bytes("weights", by_turns)), ("channels", _channels(filters, added))


def _channels(filters: Filters, added: Array) -> Constant:
    """`added` (M,) is what is added to a sum, the rest as tg_output.h has it."""
    wide, places = (filters.shift - 1) // 8, (filters.shift - 1) % 8
    columns = [added >> 8 * i for i in range(3)]
    columns += [2 * filters.multiplier >> 8 * i for i in range(4)]
    columns += [1 << places, 128 >> places, wide]
    return _bytes("channels", np.stack(columns, axis=1))


def _bytes(name: str, values: Array) -> Constant:
    """Values modulo 256, as an int8 constant."""
    return Constant(name, (values & 255).astype(np.uint8).view(np.int8).reshape(-1))

"""Filters as tg_mac.h and tg_output.h want them, or none where a sum or a shift is beyond what is exact there.

Sums are taken modulo 2^24, of elements and weights each + 128. So a sum, with all that is to be added to it, must lie
within 24 bits for every possible input; and the right shift behind the multiplier must be 1 to 16.
"""

from __future__ import annotations

import numpy as np

from tinygen.ir import Array
from tinygen.kernelsets._call import Params, fields
from tinygen.kernelsets._filters import Filters, call_filters
from tinygen.ops.base import Constant, KernelCall

_LIMIT = 1 << 23
_SHIFTS = (-16, -1)


def exact_filters(call: KernelCall, weights: Array, bias: Array) -> Filters | None:
    """The filters (M, K) of a call with a bias (M,). None where one is beyond the limits."""
    p = fields(call)
    filters = call_filters(call, weights, bias, still_shift=_SHIFTS[1])
    if filters is None or not p["activation_min"] <= p["output_zero_point"] <= p["activation_max"]:
        return None
    low, high = filters.shift.min(initial=_SHIFTS[1]), filters.shift.max(initial=_SHIFTS[0])
    return filters if filters.within(-_LIMIT, _LIMIT) and _SHIFTS[0] <= low and high <= _SHIFTS[1] else None


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
    wide, places = (-filters.shift - 1) // 8, (-filters.shift - 1) % 8
    columns = [added >> 8 * i for i in range(3)]
    columns += [2 * filters.multiplier >> 8 * i for i in range(4)]
    columns += [1 << places, 128 >> places, wide]
    return _bytes("channels", np.stack(columns, axis=1))


def _bytes(name: str, values: Array) -> Constant:
    """Values modulo 256, as an int8 constant."""
    return Constant(name, (values & 255).astype(np.uint8).view(np.int8).reshape(-1))

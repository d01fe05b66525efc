"""The weight stream of templates/kernels/armv7em/tg_tile.h, which says what stands in it."""

from __future__ import annotations

import numpy as np

from tinygen.ir import Array
from tinygen.kernelsets._call import Params, fields, int32_words
from tinygen.kernelsets._filters import Filters
from tinygen.kernelsets.armv7em._output import factors, fast_filters
from tinygen.ops.base import KernelCall

_LARGEST_HIGH = 1 << 23  # of the sum of the second filter of a pair: 256 times it is an int32
# cycles of a Cortex-M4: for two inputs of two columns times four filters; for the outputs of those
STEP, QUAD = 15.9, 75


def tile_output(call: KernelCall, weights: Array, bias: Array) -> Params | None:
    """The fields of a tg_tile_output (field `output`) for filters (M, K) of int8, or None where it is not exact.

    bias: (M,) with the input zero point folded in. K is filled up to a multiple of 4 here.
    """
    filters = fast_filters(call, weights, bias)
    if filters is None:
        return None
    words = tile_stream(filters)
    if words is None:
        return None
    p = fields(call)
    return (
        ("output.channels", len(weights)),
        ("output.zero_point", p["output_zero_point"]),
        ("output.activation_min", p["activation_min"]),
        ("output.activation_max", p["activation_max"]),
        ("output.stream", int32_words("stream", words)),
    )


def tile_stream(filters: Filters) -> Array | None:
    """The stream as values of 32 bits; None when a second filter of a pair leaves its range (see tg_tile.h)."""
    count, depth = filters.weights.shape
    weights = np.pad(filters.weights, ((0, -count % 4), (0, -depth % 4)))
    values = filters.bias, 2 * filters.multiplier - (1 << 32), factors(filters)
    bias, multiplier, factor = (np.pad(v, (0, -count % 4)) for v in values)
    first, second = weights[0::2], weights[1::2] - (weights[0::2] < 0)
    high = Filters(weights[1::2], bias[1::2], bias, bias)
    if second.min(initial=0) < -128 or not high.within(-_LARGEST_HIGH, _LARGEST_HIGH):
        return None
    # (pairs, K / 4, [k, k + 2 | k + 1, k + 3], of these the two) -> {A[k], B[k], A[k + 2], B[k + 2]}
    a, b = (v.reshape(len(v), -1, 2, 2).swapaxes(2, 3) & 255 for v in (first, second))
    packed = a[..., 0] | b[..., 0] << 8 | a[..., 1] << 16 | b[..., 1] << 24
    quads = packed.reshape(len(weights) // 4, 2, -1).swapaxes(1, 2).reshape(len(weights) // 4, -1)
    start = np.stack([bias[0::2], bias[0::2] + 256 * bias[1::2]], axis=1).reshape(-1, 4)
    end = np.stack([multiplier, factor], axis=1).reshape(-1, 8)
    stream: Array = np.concatenate([start, quads, end], axis=1).reshape(-1)
    return stream


def tile_cost(columns: int, depth: int, channels: int) -> float:
    """Cycles for that many columns (pixels) of `depth` inputs, two at a time, without making the columns."""
    return (columns + 1) // 2 * (-(-channels // 4) * (-(-depth // 4) * 2 * STEP + QUAD) + 60)

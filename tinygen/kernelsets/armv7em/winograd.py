"""CONV_2D 3x3 with stride 1 by Winograd's F(2x2, 3x3): for speed, as its scratch is 8 KB or more."""

from __future__ import annotations

import numpy as np

from tinygen.kernelsets._call import Params, constant, fields, int32_words, numbers, served_by
from tinygen.kernelsets.armv7em._output import factors, fast_filters
from tinygen.ops.base import KernelCall

SERVES = ("conv_2d_s8",)
_GEOMETRY = ("input_height", "input_width", "input_channels", "output_width", "output_channels", "pad_top", "pad_left")
_OUTPUT = ("input_zero_point", "output_zero_point", "activation_min", "activation_max")
_ONE = ("groups", "stride_height", "stride_width", "dilation_height", "dilation_width")
# rows of tiles that share the transformed weights, as far as this many bytes hold their inputs
_MOST_TILES = 16384


def offer(call: KernelCall, aim: str) -> KernelCall | None:
    """The kernel conv_3x3_winograd_s8_dsp."""
    p = fields(call)
    weights = constant(call, "weights")
    count, _, _, depth = weights.shape
    if aim != "speed" or weights.shape[1:3] != (3, 3) or any(p[name] != 1 for name in _ONE):
        return None
    if depth % 16 or count % 4 or max(p["pad_top"], p["pad_left"]) > 1:
        return None
    filters = fast_filters(call, weights.reshape(count, -1), constant(call, "bias"))
    if filters is None or (abs(filters.bias) >= 1 << 29).any():
        return None
    pairs = -(-p["output_width"] // 4)
    tiles = pairs * 16 * depth * 4
    tile_rows = max(1, min(_MOST_TILES // tiles, -(-call.rows // 2)))
    taps = filters.weights.reshape(count // 4, 4, 9, depth // 4, 4).transpose(0, 3, 1, 2, 4) & 255
    words = taps[..., 0] | taps[..., 1] << 8 | taps[..., 2] << 16 | taps[..., 3] << 24
    stream = np.stack([2 * filters.bias, filters.multiplier, factors(filters)], axis=1)
    params: Params = (
        *numbers(call, *_GEOMETRY),
        ("tile_rows", tile_rows),
        *numbers(call, *_OUTPUT),
        ("weights", int32_words("weights", words)),
        ("stream", int32_words("stream", stream)),
    )
    return served_by(
        call,
        "conv_3x3_winograd_s8_dsp",
        params,
        cost=_cost(call.rows, pairs, depth, count, tile_rows),
        call_cost=count / 4 * depth / 4 * 550,
        scratch_bytes=tile_rows * tiles + 128 * depth + 512 + 24 * depth,
        rows_at_once=2 * tile_rows,
    )


def _cost(rows: int, pairs: int, depth: int, count: int, tile_rows: int) -> float:
    """Cycles: the inputs' transform, the weights', the products, and the way back."""
    tile_lines = -(-rows // 2)
    inputs = tile_lines * pairs * depth / 4 * 430
    weights = -(-tile_lines // tile_rows) * count / 4 * depth / 4 * 490
    return inputs + weights + tile_lines * pairs * count / 4 * (16 * (depth / 2 * 16.2 + 32) + 680)

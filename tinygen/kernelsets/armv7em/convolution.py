"""CONV_2D: 1x1 with stride 1 as a product of matrices, and every other window through columns; layers over time."""

from __future__ import annotations

import numpy as np

from tinygen.ir import Array
from tinygen.kernelsets._call import constant, fields, geometry, served_by
from tinygen.kernelsets.armv7em._tile import tile_cost, tile_output
from tinygen.ops.base import KernelCall

SERVES = ("conv_2d_s8",)


def offer(call: KernelCall, aim: str) -> KernelCall | None:
    """The kernel pointwise_s8_dsp, conv_1d_s8_dsp, or else conv_2d_s8_dsp; groups are left to the portable one."""
    p = fields(call)
    weights = constant(call, "weights")
    count, height, width, depth = weights.shape
    if p["groups"] != 1:
        return None
    pixels = call.rows * p["output_width"]
    is_pointwise = height == width == p["stride_height"] == p["stride_width"] == 1
    is_pointwise = is_pointwise and p["pad_top"] == p["pad_left"] == 0 and p["input_width"] == p["output_width"]
    is_over_time = p["input_width"] == p["output_width"] == width == 1 and p["pad_left"] == 0
    rows = weights.reshape(count, height, -1)
    taps = rows.reshape(count, -1) if is_pointwise or is_over_time else _columns(rows)
    output = tile_output(call, taps, constant(call, "bias"))
    if output is None:
        return None
    size = height * width * depth
    if is_pointwise:
        params = (("input_channels", depth), ("width", p["output_width"]), *output)
        cost = tile_cost(pixels, depth, count) + 1.7 * pixels * depth
        odd = p["output_width"] % 2 * tile_cost(1, depth, count) / 2
        return served_by(call, "pointwise_s8_dsp", params, cost, 100 + odd, scratch_bytes=4 * _padded(size))
    if is_over_time:
        numbers = (("stride", p["stride_height"]), ("dilation", p["dilation_height"]), ("pad_top", p["pad_top"]))
        window = (("input_height", p["input_height"]), ("input_channels", depth), ("kernel_height", height))
        params = (*window, *numbers, ("input_zero_point", p["input_zero_point"]), *output)
        cost, odd = tile_cost(pixels, size, count) + 3 * pixels * size, tile_cost(1, size, count) / 2
        scratch = 4 * _padded(size) + size
        return served_by(call, "conv_1d_s8_dsp", params, cost, 100 + odd, scratch_bytes=scratch)
    leftover = height * (width * depth % 4)
    params = (*geometry(call, "output_channels"), *output)
    cost = tile_cost(pixels, size, count) + 3.5 * pixels * size
    odd = p["output_width"] % 2 * tile_cost(1, size, count) / 2
    scratch = 4 * _padded(size) + 4 * height + width * depth + leftover
    return served_by(call, "conv_2d_s8_dsp", params, cost, 150 + odd, scratch_bytes=scratch)


def _columns(rows: Array) -> Array:
    """Filters (M, KH, KW * C) in the order of conv_2d_s8_dsp.h: whole words of every row, then the rows' rests."""
    whole = rows.shape[2] & ~3
    parts = [part.reshape(len(rows), -1) for part in (rows[..., :whole], rows[..., whole:])]
    return np.concatenate(parts, axis=1)


def _padded(depth: int) -> int:
    return -(-depth // 4) * 4

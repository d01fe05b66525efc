"""DEPTHWISE_CONV_2D 3x3 with stride 1 or 2."""

from __future__ import annotations

import numpy as np

from tinygen.kernelsets._call import Params, constant, fields, numbers, served_by
from tinygen.kernelsets.armv7em._output import fast_filters
from tinygen.ops.base import Constant, KernelCall

SERVES = ("depthwise_conv_2d_s8",)
_ROWS = 16  # of a plane: TG_DW3_ROWS
_GEOMETRY = ("input_height", "input_width", "output_width", "pad_top", "pad_left", "input_zero_point")
# output rows of a strip with stride 1: as many as fit, but for these; half as many with stride 2
_STRIPS = {"ram": 2, "balanced": 6, "size": 6}


def offer(call: KernelCall, aim: str) -> KernelCall | None:
    """The kernel depthwise_3x3_s8_dsp, for a depth multiplier of 1 and channels in fours."""
    p = fields(call)
    channels, stride, width = p["input_channels"], p["stride_height"], p["output_width"]
    if (p["kernel_height"], p["kernel_width"], p["dilation_height"], p["dilation_width"]) != (3, 3, 1, 1):
        return None
    if channels % 4 or p["output_channels"] != channels or stride != p["stride_width"] or stride > 2:
        return None
    if max(p["pad_top"], p["pad_left"]) > 1 or p["input_width"] < 2:
        return None
    weights = constant(call, "weights").reshape(9, channels).T
    bias = constant(call, "bias").astype(np.int64) - p["input_zero_point"] * weights.astype(np.int64).sum(axis=1)
    filters = fast_filters(call, weights, bias)
    if filters is None:
        return None
    words = np.stack([2 * filters.bias, filters.multiplier], axis=1).astype("<i4").view(np.int8)
    taps = filters.weights.reshape(channels, 3, 3)[..., [0, 2, 1]].reshape(channels, 9)
    stream = np.concatenate([-filters.shift[:, None], taps, words], axis=1).astype(np.int8)
    pairs = -(-width // 2)
    plane_words = pairs + 1 if stride == 1 else 2 * pairs + 1
    strip = min(_STRIPS.get(aim, _ROWS - 2) // stride, call.rows)
    params: Params = (
        *numbers(call, *_GEOMETRY),
        ("channels", channels),
        ("stride", stride),
        ("strip_rows", strip),
        ("words", plane_words),
        *numbers(call, "output_zero_point", "activation_min", "activation_max"),
        ("stream", Constant("stream", stream.reshape(-1))),
    )
    return served_by(
        call,
        "depthwise_3x3_s8_dsp",
        params,
        cost=call.rows * width * channels * 9 * (2.3 if stride == 1 else 3.2),
        call_cost=channels * (100 + 30 * pairs),
        scratch_bytes=4 * 4 * _ROWS * plane_words,
        rows_at_once=strip,
    )

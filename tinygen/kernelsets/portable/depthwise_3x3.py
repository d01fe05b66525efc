"""DEPTHWISE_CONV_2D 3x3 with stride 1 or 2: a channel of a row at a time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinygen.kernelsets._call import Params, constant, fields, numbers
from tinygen.kernelsets.portable._sums import narrow_filters
from tinygen.ops.base import Constant, KernelCall

SERVES = ("depthwise_conv_2d_s8",)
_WINDOW = ("kernel_height", "kernel_width", "dilation_height", "dilation_width")
_REST = ("pad_top", "pad_left", "input_zero_point", "output_zero_point", "activation_min", "activation_max")
# instructions on a Cortex-M0, which needs the most: of an output with its products, and of a channel in a row
_OUTPUT, _CHANNEL = 85, 120


def offer(call: KernelCall, aim: str) -> KernelCall | None:
    """The kernel depthwise_3x3_s8, for a depth multiplier of 1 and rows of which each reads one of the input's."""
    p = fields(call)
    if tuple(p[name] for name in _WINDOW) != (3, 3, 1, 1) or p["stride_height"] != p["stride_width"]:
        return None
    channels, stride = p["input_channels"], p["stride_height"]
    if stride > 2 or p["output_channels"] != channels:
        return None
    if p["pad_top"] > 2 or (call.rows - 1) * stride - p["pad_top"] >= p["input_height"]:
        return None
    weights = constant(call, "weights").reshape(3, 3, channels).transpose(2, 1, 0).reshape(channels, 9)
    bias = constant(call, "bias") - p["input_zero_point"] * weights.sum(axis=1, dtype=np.int64)
    filters = narrow_filters(call, weights, bias)
    if filters is None:
        return None
    params: Params = (
        *numbers(call, "input_height", "input_width"),
        ("channels", channels),
        ("output_width", p["output_width"]),
        ("stride", stride),
        *numbers(call, *_REST),
        ("weights", Constant("weights", filters.weights.astype(np.int8).reshape(-1))),
        ("bias", Constant("bias", filters.bias.astype(np.int32))),
        ("multiplier", Constant("multiplier", filters.multiplier.astype(np.int32))),
        ("shift", Constant("shift", filters.shift.astype(np.int8))),
    )
    line = channels * (_CHANNEL + p["output_width"] * _OUTPUT)
    return replace(call, kernel="depthwise_3x3_s8", params=params, cost=call.rows * call.output.images * line)

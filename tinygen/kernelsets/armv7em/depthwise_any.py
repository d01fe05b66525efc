"""DEPTHWISE_CONV_2D with any window."""

from __future__ import annotations

import numpy as np

from tinygen.kernelsets._call import Params, constant, fields, geometry, int32_words, numbers, served_by
from tinygen.kernelsets.armv7em._output import fast_filters
from tinygen.ops.base import KernelCall

SERVES = ("depthwise_conv_2d_s8",)
_OUTPUT = ("output_zero_point", "activation_min", "activation_max")


def offer(call: KernelCall, aim: str) -> KernelCall | None:
    """The kernel depthwise_s8_dsp, for a depth multiplier of 1 and channels in fours."""
    p = fields(call)
    channels, height, width = p["input_channels"], p["kernel_height"], p["kernel_width"]
    if channels % 4 or p["output_channels"] != channels:
        return None
    weights = constant(call, "weights").reshape(height * width, channels).T.astype(np.int64)
    filters = fast_filters(call, weights, constant(call, "bias") - p["input_zero_point"] * weights.sum(axis=1))
    if filters is None:
        return None
    bias, multiplier = (v.reshape(-1, 4) for v in (filters.bias, 2 * filters.multiplier - (1 << 32)))
    shifts = (32 + filters.shift).reshape(-1, 4) << np.array([0, 8, 16, 24])
    taps = -(-height * width // 2) * 2
    # (fours of channels, pairs of taps, [A B | C D], two taps, two channels), low byte first
    fours = np.pad(filters.weights, ((0, 0), (0, taps - height * width))).reshape(-1, 2, 2, taps // 2, 2)
    b = fours.transpose(0, 3, 1, 4, 2) & 255
    words = b[..., 0, 0] | b[..., 0, 1] << 8 | b[..., 1, 0] << 16 | b[..., 1, 1] << 24
    stream = np.concatenate(
        [bias, words.reshape(len(words), -1), multiplier, shifts.sum(axis=1, keepdims=True)], axis=1
    )
    params: Params = (
        ("channels", channels),
        *geometry(call, "input_channels", "output_channels"),
        *numbers(call, *_OUTPUT),
        ("stream", int32_words("stream", stream)),
    )
    outputs = call.rows * p["output_width"] * channels
    return served_by(call, "depthwise_s8_dsp", params, outputs * (3.6 * taps + 20), scratch_bytes=4 * taps)

"""CONV_2D without groups, by columns of windows."""

from __future__ import annotations

from tinygen.kernelsets._call import Params, constant, fields, geometry, served_by
from tinygen.kernelsets.avr._filters import exact_filters, limits, packed
from tinygen.ops.base import KernelCall

SERVES = ("conv_2d_s8",)


def offer(call: KernelCall, aim: str) -> KernelCall | None:
    """The kernel conv_2d_s8_avr."""
    p = fields(call)
    weights = constant(call, "weights")
    count, height, width, depth = weights.shape
    size = height * width * depth
    if p["groups"] != 1 or max(size, call.rows, call.output.row_bytes, call.inputs[0].row_bytes) >= 1 << 15:
        return None
    spans = (p["input_height"] + p["dilation_height"] * height, p["input_width"] + p["dilation_width"] * width)
    filters = exact_filters(call, weights.reshape(count, -1), constant(call, "bias"))
    if filters is None or max(spans) >= 1 << 15:
        return None
    params: Params = (*geometry(call), *limits(call), *packed(filters))
    even = -(-size // 2) * 2
    pixels = call.rows * p["output_width"]
    cost = pixels * (13 * size + 40 * height + count * (8 * even + 150))
    return served_by(call, "conv_2d_s8_avr", params, cost, scratch_bytes=2 * even)

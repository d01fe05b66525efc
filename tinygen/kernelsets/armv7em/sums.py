"""AVERAGE_POOL_2D, MAX_POOL_2D, and MEAN over height and width, of channels in fours."""

from __future__ import annotations

from tinygen.kernelsets._call import fields, served_by
from tinygen.ops.base import KernelCall

SERVES = ("average_pool_2d_s8", "average_pool_hw_s8", "max_pool_2d_s8", "mean_hw_s8")


def offer(call: KernelCall, aim: str) -> KernelCall | None:
    """The kernel of the portable one's name with _dsp behind it, and with the same params."""
    p = fields(call)
    if p["channels"] % 4:
        return None
    window = p["window_height"] * p["window_width"] if "window_height" in p else p["input_width"]
    cost = call.rows * p["channels"] * (2.2 * window + 7)
    kernel = f"{call.kernel}_dsp"
    return served_by(call, kernel, call.params, cost, 4 * p["channels"])

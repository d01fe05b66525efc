"""FULLY_CONNECTED, one row at a time."""

from __future__ import annotations

from tinygen.kernelsets._call import constant, fields, served_by
from tinygen.kernelsets.armv7em._tile import tile_output
from tinygen.ops.base import KernelCall

SERVES = ("fully_connected_s8",)


def offer(call: KernelCall, aim: str) -> KernelCall | None:
    """The kernel fully_connected_s8_dsp; for speed, or odd depths, fully_connected_wide_s8_dsp."""
    depth, outputs = fields(call)["input_depth"], fields(call)["output_depth"]
    output = tile_output(call, constant(call, "weights"), constant(call, "bias"))
    if output is None:
        return None
    params = (("input_depth", depth), *output)
    quads = call.rows * -(-outputs // 4)
    if aim != "speed" and depth % 4 == 0:
        return served_by(call, "fully_connected_s8_dsp", params, quads * (depth * 5.5 + 60))
    cost = quads * (depth * 5.1 + 60) + 2.7 * call.rows * depth
    return served_by(call, "fully_connected_wide_s8_dsp", params, cost, scratch_bytes=2 * (-(-depth // 4) * 4))

"""MUL of inputs whose channels are not repeated."""

from __future__ import annotations

from tinygen.kernelsets._call import fields, served_by
from tinygen.ops.base import KernelCall

SERVES = ("mul_s8",)


def offer(call: KernelCall, aim: str) -> KernelCall | None:
    """The kernel mul_s8_dsp, for right shifts from 2 on."""
    p = fields(call)
    width, channels = p["walk.width"], p["walk.channels"]
    steps = [p[f"walk.column_step[{i}]"] for i in (0, 1)]
    if p["walk.channel_step[0]"] != 1 or p["walk.channel_step[1]"] != 1 or p["shift"] > -2:
        return None
    if width == 1 or steps == [channels, channels]:
        width, channels, steps = 1, width * channels, [0, 0]
    params = (
        ("columns", width),
        ("channels", channels),
        ("column_step[0]", steps[0]),
        ("column_step[1]", steps[1]),
        ("input1_zero_point", p["input1_zero_point"]),
        ("input2_zero_point", p["input2_zero_point"]),
        ("output_zero_point", p["output_zero_point"]),
        ("multiplier", 2 * p["multiplier"] - (1 << 32)),
        ("factor", 1 << (32 + p["shift"])),
        ("activation_min", p["activation_min"]),
        ("activation_max", p["activation_max"]),
    )
    return served_by(call, "mul_s8_dsp", params, call.rows * width * (16.0 * channels + 16))

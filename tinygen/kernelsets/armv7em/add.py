"""ADD and SUB of inputs that are not broadcast within a row: with a table of one input, or computed."""

from __future__ import annotations

import numpy as np

from tinygen.fixedpoint import multiply_by_quantized_multiplier
from tinygen.kernelsets._call import fields, int32_words, served_by
from tinygen.ops.base import Constant, KernelCall

SERVES = ("add_s8",)
_HALF = (1 << 30, 0)  # multiplier and shift of the input with the larger scale


def offer(call: KernelCall, aim: str) -> KernelCall | None:
    """The kernel add_s8_dsp, whose table of 1 KB is for speed, or add_computed_s8_dsp where that is exact."""
    p = fields(call)
    for i in (0, 1):
        repeated = p["walk.width"] > 1 and p[f"walk.column_step[{i}]"] != p["walk.channels"]
        if p[f"walk.channel_step[{i}]"] != 1 or repeated:
            return None
    multipliers = {i: (p[f"input{i}_multiplier"], p[f"input{i}_shift"]) for i in (1, 2)}
    if _HALF not in multipliers.values() or p["output_shift"] > -2:
        return None
    a, b = (2, 1) if multipliers[1] == _HALF else (1, 2)
    is_computed = p["input2_sign"] == 1 and (multipliers[a] == _HALF or multipliers[a][1] <= -2)
    if aim == "speed" or not is_computed:
        kernel, inner, cost = "add_s8_dsp", _table(p, a, b), 12.0
    else:
        kernel, inner, cost = "add_computed_s8_dsp", _computed(p, a, b), 18.0
    elements = p["walk.width"] * p["walk.channels"]
    params = (
        ("row_elements", elements),
        ("swapped", int(a == 2)),
        *inner,
        ("output_zero_point", p["output_zero_point"]),
        ("multiplier", p["output_multiplier"]),
        ("factor", 1 << (32 + p["output_shift"])),
        ("activation_min", p["activation_min"]),
        ("activation_max", p["activation_max"]),
    )
    return served_by(call, kernel, params, cost * call.rows * elements)


def _signs(p: dict[str, int]) -> dict[int, int]:
    return {1: 1, 2: p["input2_sign"]}


def _table(p: dict[str, int], a: int, b: int) -> tuple[tuple[str, int | Constant], ...]:
    """The fields step and table of add_s8_dsp."""
    sign = _signs(p)
    values = np.arange(256).astype(np.uint8).view(np.int8).astype(np.int64) - p[f"input{a}_zero_point"]
    rescaled = multiply_by_quantized_multiplier(values << 20, p[f"input{a}_multiplier"], p[f"input{a}_shift"])
    table = 2 * sign[a] * rescaled - (sign[b] * p[f"input{b}_zero_point"] << 20)
    return ("step", sign[b] << 20), ("table", int32_words("table", table))


def _computed(p: dict[str, int], a: int, b: int) -> tuple[tuple[str, int], ...]:
    """The fields of both inputs of add_computed_s8_dsp. One half is also four times itself, shifted by two."""
    multiplier, shift, step = p[f"input{a}_multiplier"], p[f"input{a}_shift"], 1 << 21
    if (multiplier, shift) == _HALF:
        shift, step = -2, 1 << 23
    return (
        ("a_step", step),
        ("a_offset", -p[f"input{a}_zero_point"] * step),
        ("a_multiplier", multiplier),
        ("a_factor", 1 << (32 + shift)),
        ("b_offset", -p[f"input{b}_zero_point"] << 19),
    )

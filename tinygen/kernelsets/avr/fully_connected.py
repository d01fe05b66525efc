"""FULLY_CONNECTED, by columns of a row's elements."""

from __future__ import annotations

from tinygen.kernelsets._call import Params, constant, fields, served_by
from tinygen.kernelsets.avr._filters import exact_filters, limits, packed
from tinygen.ops.base import KernelCall

SERVES = ("fully_connected_s8",)


def offer(call: KernelCall, aim: str) -> KernelCall | None:
    """The kernel fully_connected_s8_avr."""
    p = fields(call)
    depth, outputs = p["input_depth"], p["output_depth"]
    filters = exact_filters(call, constant(call, "weights"), constant(call, "bias"))
    if filters is None or max(call.rows, depth, outputs) >= 1 << 15:
        return None
    sizes = (("input_depth", depth), ("output_depth", outputs))
    params: Params = (*sizes, *limits(call), *packed(filters))
    even = -(-depth // 2) * 2
    cost = call.rows * (13 * depth + outputs * (10 * even + 180))
    return served_by(call, "fully_connected_s8_avr", params, cost, scratch_bytes=even)

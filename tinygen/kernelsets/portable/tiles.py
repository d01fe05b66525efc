"""CONV_2D without groups, and FULLY_CONNECTED: four filters at a time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinygen.kernelsets._call import Params, constant, fields, geometry
from tinygen.kernelsets._filters import Filters
from tinygen.kernelsets.portable._sums import narrow_filters
from tinygen.ops.base import Constant, KernelCall

SERVES = ("conv_2d_s8", "fully_connected_s8")
_TILE = 4  # filters
# instructions on a Cortex-M0, which needs the most: of a product, an output, and an input of a column
_PRODUCT, _OUTPUT, _INPUT = 3.4, 50, 6


def offer(call: KernelCall, aim: str) -> KernelCall | None:
    """The kernel conv_2d_s8_tiles or fully_connected_s8_tiles; for fewer than four filters there is no tile."""
    p = fields(call)
    weights = constant(call, "weights")
    filters = narrow_filters(call, weights.reshape(len(weights), -1), constant(call, "bias"))
    if p.get("groups", 1) != 1 or len(weights) < _TILE or filters is None:
        return None
    channels, depth = filters.weights.shape
    is_window = call.kernel == "conv_2d_s8"
    window = geometry(call, "output_channels") if is_window else ()
    columns = call.rows * p.get("output_width", 1)
    return replace(
        call,
        kernel=f"{call.kernel}_tiles",
        # inputs have 128 added in a column, not in a row
        params=(*window, *_tiles(p, filters, 128 if is_window else 0)),
        scratch_bytes=2 * depth if is_window else 0,
        cost=int(columns * (channels * (depth * _PRODUCT + _OUTPUT) + depth * _INPUT)) * call.output.images,
    )


def _tiles(p: dict[str, int], filters: Filters, added: int) -> Params:
    """The fields of a tg_tiles (field `tiles`) for inputs that have `added` to them.

    Weights have 128 added, as bytes; of every four filters input by input.
    """
    weights = filters.weights
    channels, depth = weights.shape
    whole = channels // _TILE * _TILE
    fours = weights[:whole].reshape(-1, _TILE, depth).swapaxes(1, 2)
    packed = np.concatenate([fours.reshape(-1), weights[whole:].reshape(-1)]).astype(np.int8)
    bias = filters.bias - added * weights.sum(axis=1)
    output = np.stack([bias, filters.multiplier], axis=1).reshape(-1)
    return (
        ("tiles.depth", depth),
        ("tiles.channels", channels),
        ("tiles.zero_point", p["output_zero_point"]),
        ("tiles.activation_min", p["activation_min"]),
        ("tiles.activation_max", p["activation_max"]),
        ("tiles.weights", Constant("weights", (packed.view(np.uint8) ^ 128).view(np.int8))),
        ("tiles.output", Constant("output", output.astype(np.int32))),
        ("tiles.shift", Constant("shift", filters.shift.astype(np.int8))),
    )

"""Windows that slide over NHWC tensors: what convolutions and pooling share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinygen.errors import TinygenError
from tinygen.ir import Array
from tinygen.ops.base import Reads

_WIDEST = 1 << 20
PADDING = {0: "SAME", 1: "VALID"}


@dataclass(frozen=True, slots=True)
class Axis:
    """One spatial axis of a window operator: all sizes in elements of that axis."""

    input: int
    output: int
    kernel: int
    stride: int
    dilation: int
    pad_before: int

    @property
    def extent(self) -> int:
        """From the first to the last element that one window touches."""
        return (self.kernel - 1) * self.dilation + 1

    def reads(self) -> Reads:
        """The input rows of each output row, for the axis of the rows."""
        starts = [y * self.stride - self.pad_before for y in range(self.output)]
        return Reads(
            tuple(min(max(start, 0), self.input) for start in starts),
            tuple(max(min(start + self.extent, self.input), 0) for start in starts),
            (sum(start < 0 for start in starts), sum(start + self.extent > self.input for start in starts)),
        )


def output_size(size: int, kernel: int, stride: int, dilation: int, padding: str) -> int:
    """TFLite's ComputeOutSize; 0 or less when the window does not fit."""
    if padding == "SAME":
        return -(-size // stride)
    return -(-(size - (kernel - 1) * dilation) // stride)


def axis(size: int, output: int, kernel: int, stride: int, dilation: int, padding: str) -> Axis:
    """The Axis with TFLite's padding (ComputePaddingWithOffset: the odd element goes behind).

    Raises TinygenError for a window so wide that the kernels' 32 bit positions could overflow.
    """
    if max((kernel - 1) * dilation, stride) >= _WIDEST:
        raise TinygenError(f"a window of {kernel} elements, {dilation} apart, in steps of {stride}: too wide")
    total = max((output - 1) * stride + (kernel - 1) * dilation + 1 - size, 0) if padding == "SAME" else 0
    return Axis(size, output, kernel, stride, dilation, total // 2)


def patches(x: Array, rows: Axis, columns: Axis, fill: float) -> Array:
    """Every window of an NHWC array, what lies outside read as `fill`.

    x: (N, H, W, C). Returns (N, OH, OW, KH, KW, C), a copy.
    """
    after_rows = (rows.output - 1) * rows.stride + rows.extent - rows.pad_before - rows.input
    after_columns = (columns.output - 1) * columns.stride + columns.extent - columns.pad_before - columns.input
    padding = (
        (0, 0),
        (rows.pad_before, max(after_rows, 0)),
        (columns.pad_before, max(after_columns, 0)),
        (0, 0),
    )
    padded = np.pad(x, padding, constant_values=fill)
    y = np.arange(rows.output)[:, None] * rows.stride + np.arange(rows.kernel)[None, :] * rows.dilation
    c = np.arange(columns.output)[:, None] * columns.stride + np.arange(columns.kernel) * columns.dilation
    taken: Array = padded[:, y[:, None, :, None], c[None, :, None, :], :]
    return taken

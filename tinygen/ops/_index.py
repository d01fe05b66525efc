"""Separable index maps: an output coordinate is looked up, axis by axis, in a small table of input coordinates.

Lowered to the kernel index_nd, whose tables are made here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from tinygen.ir import Graph, row_layout
from tinygen.ops.base import Constant, KernelCall, Operand, Reads

LOOPS = 4  # inside a row; the kernel's array has as many


@dataclass(frozen=True, slots=True)
class IndexAxis:
    """An output axis: output coordinate i is input coordinate indices[i], `stride` bytes apart.

    An axis that nothing moves along is range(n), however long it is.
    """

    indices: Sequence[int]
    stride: int

    @property
    def in_order(self) -> bool:
        untouched = range(len(self.indices))
        return self.indices == untouched or tuple(self.indices) == tuple(untouched)


def index_calls(
    graph: Graph, source: int, target: int, axes: Sequence[IndexAxis], alias: bool
) -> tuple[KernelCall, ...]:
    """The call of index_nd for a map of at most LOOPS + 1 axes, outer to inner, one per output axis.

    The rows are the outermost axis behind the images. () if nothing moves and `alias` allows it.
    """
    x, y = graph.tensors[source], graph.tensors[target]
    natural = row_layout(y.shape).row_elements * y.dtype.size if len(y.shape) == 4 else 0
    merged, run = _merge(axes, x.dtype.size, natural)
    if alias and not merged and x.nbytes == y.nbytes:
        return ()
    merged = merged or [IndexAxis((0,), run)]
    images = y.shape[0] if natural else 1
    outer = merged[0]
    if len(merged) > 1 and images > 1 and outer.in_order and outer.stride * len(outer.indices) == x.nbytes:
        images, merged = len(outer.indices), merged[1:]
    else:
        images = 1
    rows, inner = merged[0], merged[1:]
    missing = LOOPS - len(inner)
    offsets = [0] * missing + [index * axis.stride for axis in inner for index in axis.indices]
    output = Operand(target, images, len(rows.indices), y.nbytes // images // len(rows.indices))
    params = (
        ("row", Constant("row", np.array(rows.indices, np.int32))),
        ("extent", (1,) * missing + tuple(len(axis.indices) for axis in inner)),
        ("offset", Constant("offset", np.array(offsets, np.int32))),
        ("run", run),
    )
    source_rows = Operand(source, images, x.nbytes // images // rows.stride, rows.stride)
    return (KernelCall("index_nd", params, (source_rows,), output, output.rows, reads=_reads(tuple(rows.indices))),)


def _reads(indices: tuple[int, ...]) -> tuple[Reads, ...]:
    """The row at its index for each output row; all there is where the indices do not ascend."""
    if list(indices) != sorted(indices):
        return ()
    return (Reads(indices, tuple(i + 1 for i in indices), (0, 0)),)


def _merge(axes: Sequence[IndexAxis], size: int, row: int) -> tuple[list[IndexAxis], int]:
    """(axes left, bytes of the contiguous run inside them), with untouched neighbours as one axis.

    row: bytes of an output row, which axes inside of it do not reach beyond; or 0.
    """
    merged: list[IndexAxis] = []  # outer to inner
    run = size
    for position in reversed(range(len(axes))):
        axis = axes[position]
        output_stride = prod(len(a.indices) for a in axes[position + 1 :]) * size
        inside = output_stride // (len(axes[position + 1].indices) if position + 1 < len(axes) else 1) < row
        crosses = row > 0 and output_stride >= row and inside
        if len(axis.indices) == 1 and axis.indices[0] == 0:
            continue
        if not crosses and axis.in_order and not merged and axis.stride == run:
            run *= len(axis.indices)
        elif not crosses and axis.in_order and merged and merged[0].in_order and _adjoin(axis, merged[0]):
            joined = range(len(axis.indices) * len(merged[0].indices))
            merged[0] = IndexAxis(joined, merged[0].stride)
        else:
            merged.insert(0, axis)
    return merged, run


def _adjoin(outer: IndexAxis, inner: IndexAxis) -> bool:
    return outer.stride == inner.stride * len(inner.indices)

"""Rows picked by indices that the model computes or is given: the call of the kernel gather.

An index that points outside picks the nearest row there is: nothing beyond the tensor is ever read, whatever comes in.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinygen.ir import Array, DType, Graph, Op, Tensor
from tinygen.ops.base import KernelCall, flat_operand, reject, repeated, row_by_row

DEPTH = 5  # numbers of an index; the kernel's array has as many


def need_computed_indices(op: Op, indices: Tensor) -> None:
    """Raise unless the tensor is int32, as TFLM's kernels ask for."""
    if indices.dtype is not DType.INT32:
        raise reject(
            op,
            f"the indices '{indices.name}' are {indices.dtype.value}, int32 expected",
            "give that input of the model the type int32" if indices.dtype is DType.INT64 else "",
        )


def nearest(indices: Array, steps: Sequence[int], rows: int) -> Array:
    """The row, 0 to rows - 1, that each index (..., len(steps)) picks: the sum of its numbers times steps."""
    wanted = (indices.astype(np.int64) * np.array(steps, np.int64)).sum(axis=-1)
    return np.asarray(np.clip(wanted, 0, rows - 1))


def gather_call(
    graph: Graph, op: Op, source: int, indices: int, row_elements: int, steps: Sequence[int], rows: int, groups: int = 1
) -> KernelCall:
    """The call of gather for tensors `source` and `indices` (any shape: indices of len(steps) numbers each).

    rows: that an index picks from, `row_elements` each. groups: so many stretches of `rows` in the source, one after
    the other, are picked from by the same indices, before the next indices and their stretches follow.
    """
    x, i = graph.tensors[source], graph.tensors[indices]
    output = flat_operand(graph, op.outputs[0], row_elements)
    places, table = flat_operand(graph, indices, len(steps)), flat_operand(graph, source, row_elements)
    stretches = x.elements // row_elements // rows
    count = i.elements // len(steps) // (stretches // groups)
    params = (
        ("count", count),
        ("groups", groups),
        ("rows", rows),
        ("depth", len(steps)),
        ("step", (*steps, *(0,) * (DEPTH - len(steps)))),
        ("row_bytes", table.row_bytes),
    )
    in_order = row_by_row(output.rows) if groups == 1 else repeated(output.rows, places)
    return KernelCall(
        kernel="gather",
        params=params,
        inputs=(table, places),
        output=output,
        rows=output.rows,
        reads=(repeated(output.rows, table), in_order),
    )

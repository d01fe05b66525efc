"""Operators whose inputs are all constant run here, with the numpy reference, and become constants.

Only as far as that is cheap: a few numbers can be broadcast to gigabytes, and what is made here fills flash. An
operator that is left stays in the program, which is as exact.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinygen.ir import Graph, Op
from tinygen.ops import operator_for

_MOST_ELEMENTS = 1 << 22  # read and made by all folding together


def fold_constants(graph: Graph) -> Graph:
    """The graph without operators that compute the same value every time."""
    tensors, kept, left = list(graph.tensors), [], _MOST_ELEMENTS
    for op in graph.ops:
        data = [tensors[i].data if i >= 0 else np.zeros(0, np.int8) for i in op.inputs]
        arrays = [d for d in data if d is not None]
        operator = operator_for(graph, op)
        work = sum(a.size for a in arrays) + sum(tensors[i].elements for i in op.outputs) + operator.macs(graph, op)
        is_cheap = len(arrays) == len(data) and work <= left and not _has_window(op)
        if op.kind == "SHAPE":  # constant whatever it reads
            is_cheap, work = True, 0
        if not is_cheap or set(op.outputs) & set(graph.outputs):
            kept.append(op)
            continue
        left -= work
        for index, value in zip(op.outputs, operator.reference(graph, op, arrays), strict=True):
            tensors[index] = replace(tensors[index], data=value)
    return replace(graph, tensors=tuple(tensors), ops=tuple(kept))


def _has_window(op: Op) -> bool:
    """Convolutions and pools: their work is not in proportion to what they read and make."""
    return hasattr(op.options, "padding")

"""Operators whose inputs are all constant run here, with the numpy reference, and become constants."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinygen.ir import Graph
from tinygen.ops import operator_for


def fold_constants(graph: Graph) -> Graph:
    """The graph without operators that compute the same value every time."""
    tensors, kept = list(graph.tensors), []
    for op in graph.ops:
        data = [tensors[i].data if i >= 0 else np.zeros(0, np.int8) for i in op.inputs]
        arrays = [d for d in data if d is not None]
        if len(arrays) < len(data) or set(op.outputs) & set(graph.outputs):
            kept.append(op)
            continue
        for index, value in zip(op.outputs, operator_for(graph, op).reference(graph, op, arrays), strict=True):
            tensors[index] = replace(tensors[index], data=value)
    return replace(graph, tensors=tuple(tensors), ops=tuple(kept))

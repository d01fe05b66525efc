"""DEQUANTIZE, float functions of one element, QUANTIZE: a function of one byte, so a table of 256 entries.

The converter leaves ELU, NEG, SQUARE and others in float32 between int8 layers; so nothing of that is computed on the
device. Exact: the table is made by the very float32 arithmetic that it replaces (ops/float32), for every byte.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinygen.ir import DType, Graph, Op
from tinygen.ops import operator_for
from tinygen.ops.table import TableOptions
from tinygen.passes._rewrite import only_reader

_UNARY = (
    *("ABS", "CEIL", "COS", "ELU", "EXP", "FLOOR", "GELU", "HARD_SWISH", "LEAKY_RELU", "LOG", "LOGISTIC", "NEG"),
    *("RELU", "RELU6", "RELU_0_TO_1", "RELU_N1_TO_1", "ROUND", "RSQRT", "SIN", "SQRT", "SQUARE", "TANH"),
)


def fold_islands(graph: Graph) -> Graph:
    """The graph with each such stretch, in which nobody else reads, as one TABLE."""
    ops = list(graph.ops)
    for op in graph.ops:
        island = _island(graph, op)
        if not island:
            continue
        table = TableOptions(_table(graph, island))
        name = " + ".join(link.name for link in island[1:])
        at = ops.index(island[-1])
        ops[at] = Op("TABLE", name, table, op.inputs, island[-1].outputs)
        ops = [other for other in ops if other not in island]
    return replace(graph, ops=tuple(ops))


def _island(graph: Graph, op: Op) -> list[Op]:
    """The stretch that begins with a DEQUANTIZE of int8 and ends with a QUANTIZE to int8; empty if there is none."""
    if op.kind != "DEQUANTIZE" or graph.required(op, 0).dtype is not DType.INT8:
        return []
    island = [op]
    while (following := only_reader(graph, island[-1].outputs[0])) is not None:
        island.append(following)
        if following.kind == "QUANTIZE":
            return island if graph.output(following).dtype is DType.INT8 else []
        if following.kind not in _UNARY:
            break
    return []


def _table(graph: Graph, island: list[Op]) -> tuple[int, ...]:
    """What becomes of the bytes -128 to 127."""
    inside = {island[0].inputs[0], *(link.outputs[0] for link in island)}
    tensors = tuple(replace(t, shape=(256,)) if i in inside else t for i, t in enumerate(graph.tensors))
    small = replace(graph, tensors=tensors)
    values = np.arange(-128, 128).astype(np.int8)
    for link in island:
        (values,) = operator_for(small, link).reference(small, link, [values])
    return tuple(values.tolist())

"""CONCATENATION whose only reader is a CONCATENATION along the same axis becomes part of it: one copy less.

Exact: both only move elements, and have one quantization throughout.
"""

from __future__ import annotations

from dataclasses import replace

from tinygen.ir import Graph, Op
from tinygen.passes._rewrite import only_reader


def merge_concatenations(graph: Graph) -> Graph:
    """The graph without concatenations of concatenations."""
    ops = list(graph.ops)
    for op in graph.ops:
        if op.kind != "CONCATENATION":
            continue
        reader = only_reader(replace(graph, ops=tuple(ops)), op.outputs[0])
        if reader is None or reader.kind != op.kind or _axis(graph, op) != _axis(graph, reader):
            continue
        if reader.inputs.count(op.outputs[0]) > 1:
            continue
        current = next(other for other in ops if other.outputs == op.outputs)
        at = reader.inputs.index(op.outputs[0])
        inputs = (*reader.inputs[:at], *current.inputs, *reader.inputs[at + 1 :])
        ops[ops.index(reader)] = replace(reader, inputs=inputs)
        ops.remove(current)
    return replace(graph, ops=tuple(ops))


def _axis(graph: Graph, op: Op) -> int:
    return int(op.options.axis) % len(graph.output(op).shape)

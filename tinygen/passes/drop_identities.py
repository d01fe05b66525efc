"""QUANTIZE to the scale that is there already, and DEQUANTIZE with QUANTIZE behind it, change nothing: out.

Exact: the multiplier of equal scales is 1, and float32 holds scale * n for |n| <= 255 closely enough that the
division rounds back to n.
"""

from __future__ import annotations

from tinygen.ir import DType, Graph, Op
from tinygen.passes._rewrite import without


def drop_identities(graph: Graph) -> Graph:
    """The graph without QUANTIZE operators whose result is an int8 tensor that exists already."""
    producers = {op.outputs[0]: op for op in graph.ops}
    dropped: dict[Op, int] = {}
    for op in graph.ops:
        if op.kind != "QUANTIZE" or op.outputs[0] in graph.outputs:
            continue
        source = op.inputs[0]
        before = producers.get(source)
        if before is not None and before.kind == "DEQUANTIZE":
            source = before.inputs[0]
        x, y = graph.tensors[source], graph.output(op)
        if x.dtype is DType.INT8 and x.quantization == y.quantization:
            dropped[op] = source
    return without(graph, dropped)

"""PAD before a VALID convolution becomes the convolution's own padding.

Exact: PAD writes the zero point, and a convolution counts what lies outside its input as the zero point.
"""

from __future__ import annotations

from dataclasses import replace

from tinygen.ir import Graph, Op
from tinygen.ops._pad import paddings
from tinygen.passes._rewrite import only_reader, without

_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")


def fold_pad(graph: Graph) -> Graph:
    """The graph with PAD folded into the only convolution that reads it, where only height and width are padded."""
    folded: dict[Op, int] = {}
    changed: dict[Op, Op] = {}
    for op in graph.ops:
        if op.kind != "PAD" or graph.required(op, 0).quantization != graph.output(op).quantization:
            continue
        reader = only_reader(graph, op.outputs[0])
        if reader is None or reader.kind not in _CONVOLUTIONS or reader.options.padding != "VALID":
            continue
        batch, rows, columns, channels = paddings(graph, op)
        if (batch, channels) == ((0, 0), (0, 0)):
            folded[op] = op.inputs[0]
            changed[reader] = replace(reader, options=replace(reader.options, padding="EXPLICIT", pad=(rows, columns)))
    rewired = without(graph, folded)
    originals = [op for op in graph.ops if op not in folded]
    ops = (
        replace(new, options=changed[old].options) if old in changed else new
        for old, new in zip(originals, rewired.ops, strict=True)
    )
    return replace(rewired, ops=tuple(ops))

"""PAD whose only reader is a RESHAPE that adds or drops axes of one changes places with it.

So it comes to stand in front of the convolution that a Conv1D becomes, and fold_pad.py takes it away. Exact: the same
elements are padded by the same value.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinygen.ir import DType, Graph, Op, Tensor
from tinygen.ops._pad import paddings
from tinygen.passes._rewrite import only_reader

Paddings = tuple[tuple[int, int], ...]


def pad_behind_reshape(graph: Graph) -> Graph:
    """The graph with such RESHAPEs in front of their PADs."""
    for op in graph.ops:
        reshape = only_reader(graph, op.outputs[0]) if op.kind == "PAD" else None
        if reshape is None or reshape.kind != "RESHAPE":
            continue
        padded, shape = graph.output(op), graph.output(reshape).shape
        moved = aligned(paddings(graph, op), padded.shape, shape)
        if moved is None or len(shape) > 5:
            continue
        size = tuple(n - before - after for n, (before, after) in zip(shape, moved, strict=True))
        x, constant = graph.required(op, 0), np.array(moved, np.int32)
        count = len(graph.tensors)
        tensors = (
            *graph.tensors,
            replace(x, name=f"{x.name} reshaped", shape=size, data=None),
            Tensor(f"{padded.name} paddings", constant.shape, DType.INT32, data=constant),
        )
        first = Op("RESHAPE", reshape.name, reshape.options, op.inputs[:1], (count,))
        second = replace(op, inputs=(count, count + 1), outputs=reshape.outputs)
        ops = (first if old is op else second if old is reshape else old for old in graph.ops)
        graph = replace(graph, tensors=tensors, ops=tuple(ops))
    return graph


def aligned(pads: Paddings, padded: tuple[int, ...], shape: tuple[int, ...]) -> Paddings | None:
    """The paddings for the axes of `shape`, which has the axes of `padded` but for ones; None if it has others."""
    sizes, result = list(zip(padded, pads, strict=True)), []
    for n in shape:
        while sizes and sizes[0][0] == 1 != n:
            sizes.pop(0)
        if sizes and sizes[0][0] == n:
            result.append(sizes.pop(0)[1])
        elif n == 1:
            result.append((0, 0))
        else:
            return None
    return tuple(result) if all(n == 1 for n, _ in sizes) else None

"""Layers over time, (n, 1, time, channels) or (n, time, channels), are turned upright: (n, time, 1, channels).

Conv1D arrives as a convolution over one row that holds all of time, of which nothing can be streamed. Upright, each
frame is a row, for it and for the layers between. Exact: the same products are summed in the same order. The RESHAPEs
on both sides cost nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tinygen.ir import Array, Graph, Op, Tensor
from tinygen.ops import OPERATORS
from tinygen.ops._pad import paddings

_WINDOWS = ("CONV_2D", "DEPTHWISE_CONV_2D", "AVERAGE_POOL_2D", "MAX_POOL_2D")
_POINTWISE = (
    *("ABS", "ADD", "DEQUANTIZE", "DIV", "ELU", "EXP", "GELU", "HARD_SWISH", "LEAKY_RELU", "LOGISTIC", "MAXIMUM"),
    *("MINIMUM", "MUL", "NEG", "PRELU", "QUANTIZE", "RELU", "RELU6", "RELU_0_TO_1", "RELU_N1_TO_1", "RSQRT", "SQRT"),
    *("SQUARE", "SQUARED_DIFFERENCE", "SUB", "TABLE", "TANH"),
)
_FROM_TIME = ("MEAN", "REDUCE_MAX")


def turn_upright(graph: Graph) -> Graph:
    """The graph with all layers over time upright, if any of them has a window that lies on its side."""
    if not any(op.kind in _WINDOWS and _turned(graph, op, list(graph.tensors)) for op in graph.ops):
        return graph
    tensors, ops = list(graph.tensors), []
    for op in graph.ops:
        ops += _turned(graph, op, tensors) or [op]
    return replace(graph, tensors=tuple(tensors), ops=tuple(ops))


def _turned(graph: Graph, op: Op, tensors: list[Tensor]) -> list[Op]:
    """An operator upright between RESHAPEs, its new tensors behind all others; empty where that cannot be."""
    rank, first = len(graph.output(op).shape), graph.input(op, 0)
    rank = len(first.shape) if op.kind in _FROM_TIME and first is not None else rank
    many = op.kind in (*_POINTWISE, "CONCATENATION")
    moved = [i for i in range(len(op.inputs) if many else 1) if not _is_one_row(graph.required(op, i))]
    made = () if op.kind in _FROM_TIME else (graph.output(op),)
    over_time = all(_is_over_time(t, rank) for t in (*(graph.required(op, i) for i in moved), *made))
    changes = _changes(graph, op) if moved and over_time else None
    if changes is None:
        return []
    options, constants = changes
    reshape = OPERATORS["RESHAPE"].parse(None)
    inputs, before, after = list(op.inputs), [], []

    def add(tensor: Tensor) -> int:
        tensors.append(tensor)
        return len(tensors) - 1

    for position in moved:
        source = op.inputs[position]
        inputs[position] = add(_upright(tensors[source]))
        if tensors[source].data is None:
            before.append(Op("RESHAPE", op.name, reshape, (source,), (inputs[position],)))
    for position, tensor in constants.items():
        inputs[position] = add(tensor)
    output = op.outputs[0]
    if made:
        output = add(_upright(made[0]))
        after = [Op("RESHAPE", op.name, reshape, (output,), op.outputs)]
    return [*before, replace(op, options=options, inputs=tuple(inputs), outputs=(output,)), *after]


def _is_one_row(tensor: Tensor) -> bool:
    """Whether it has one element, or one for each channel: broadcasting repeats it over time however that lies."""
    return tensor.elements == (tensor.shape or (1,))[-1]


def _is_over_time(tensor: Tensor, rank: int) -> bool:
    shape = tensor.shape
    return len(shape) == rank and (rank == 3 or (rank == 4 and shape[1] == 1 < shape[2]))


def _upright(tensor: Tensor) -> Tensor:
    shape = (tensor.shape[0], tensor.shape[-2], 1, tensor.shape[-1])
    data = None if tensor.data is None else tensor.data.reshape(shape)
    return replace(tensor, shape=shape, data=data)


def _changes(graph: Graph, op: Op) -> tuple[Any, dict[int, Tensor]] | None:
    """(options, constant inputs that change by position) of an operator upright; None where it cannot be."""
    o, rank = op.options, len(graph.required(op, 0).shape)
    # where each axis goes
    axes = {0: 0, 1: 1, 2: 3} if rank == 3 else {0: 0, 1: 2, 2: 1, 3: 3}
    if op.kind in _POINTWISE:
        return o, {}
    if op.kind == "CONCATENATION":
        return replace(o, axis=axes[o.axis % rank]), {}
    if op.kind == "PAD":
        pads = np.zeros((4, 2), np.int32)
        for axis, pad in enumerate(paddings(graph, op)):
            pads[axes[axis]] = pad
        return o, {1: _constant(graph, op, pads)}
    if op.kind in _FROM_TIME:
        found = {a % rank for a in np.atleast_1d(_data(graph, op)).flat}
        over_time = found == {1} if rank == 3 else found == {1, 2}
        return (o, {1: _constant(graph, op, np.array([1, 2], np.int32))}) if over_time and not o.keep_dims else None
    return _window(graph, op) if op.kind in _WINDOWS and rank == 4 else None


def _window(graph: Graph, op: Op) -> tuple[Any, dict[int, Tensor]] | None:
    o = op.options
    if op.kind in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
        swapped = replace(o, stride=o.stride[::-1], window=o.window[::-1])
        return (swapped, {}) if o.window[0] == 1 else None
    weights = graph.required(op, 1)
    if weights.data is None or weights.shape[1] != 1 or o.pad[0] != (0, 0):
        return None
    n, _, width, channels = weights.shape
    shape = (n, width, 1, channels)
    swapped = replace(o, stride=o.stride[::-1], dilation=o.dilation[::-1], pad=o.pad[::-1])
    return swapped, {1: replace(weights, shape=shape, data=weights.data.reshape(shape))}


def _data(graph: Graph, op: Op) -> Array:
    data = graph.required(op, 1).data
    assert data is not None
    return data


def _constant(graph: Graph, op: Op, values: Array) -> Tensor:
    return replace(graph.required(op, 1), shape=values.shape, data=values)

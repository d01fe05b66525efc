"""Broadcasting of elementwise operators with two inputs."""

from __future__ import annotations

from math import prod

from tinygen.ir import Graph, Op
from tinygen.ops.base import Operand, Shape, reject


def broadcast_shape(op: Op, a: Shape, b: Shape) -> Shape:
    """numpy's rule, up to 4 dimensions as TFLM; raises when the shapes do not fit."""
    rank = max(len(a), len(b))
    left, right = (1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b
    if rank > 4 or any(x != y and 1 not in (x, y) for x, y in zip(left, right, strict=True)):
        raise reject(op, f"shapes {a} and {b} cannot be broadcast")
    return tuple(y if x == 1 else x for x, y in zip(left, right, strict=True))


def broadcast_operands(graph: Graph, op: Op) -> tuple[tuple[tuple[str, int], ...], tuple[Operand, Operand], Operand]:
    """(params, inputs, output) of a kernel that walks a row as width x channels with a step per input.

    An input that is repeated along an axis has step 0 there; one that is repeated over the rows has one row,
    and the kernel reads row y modulo its rows. Operands of equal shape are one long axis.
    """
    shapes = [graph.required(op, i).shape for i in (0, 1)]
    y = graph.output(op).shape
    n, h, w, c = (1,) * (4 - len(y)) + y
    params = [("width", w), ("channels", c)]
    inputs = []
    if shapes[0] == shapes[1]:
        params = [("width", 1), ("channels", w * c)]
    for index, shape in enumerate(shapes):
        full = (1,) * (4 - len(shape)) + shape
        if full[0] not in (1, n) or (full[0] == 1 and n > 1):
            raise reject(op, f"broadcasting over the batch ({shape} to {y}) is not supported")
        channel_step = int(full[3] == c) if c > 1 else 1
        column_step = full[3] if full[2] == w else 0
        params += [
            (f"input{index + 1}_column_step", column_step),
            (f"input{index + 1}_channel_step", channel_step),
        ]
        inputs.append(Operand(op.inputs[index], full[0], full[1], prod(full[2:])))
    return tuple(params), (inputs[0], inputs[1]), Operand(op.outputs[0], n, h, w * c)

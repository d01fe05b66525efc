"""Broadcasting of elementwise operators with two or three inputs."""

from __future__ import annotations

from math import prod

from tinygen.ir import Graph, Op
from tinygen.ops.base import Operand, Shape, reject

Params = tuple[tuple[str, int], ...]


def broadcast_shape(op: Op, *shapes: Shape) -> Shape:
    """numpy's rule; raises when the shapes do not fit, or need a walk of more than 4 dimensions."""
    rank = max(map(len, shapes))
    aligned = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    result = tuple(next((n for n in sizes if n != 1), 1) for sizes in zip(*aligned, strict=True))
    if any(n not in (1, whole) for shape in aligned for n, whole in zip(shape, result, strict=True)):
        raise reject(op, f"shapes {' and '.join(map(str, shapes))} cannot be broadcast")
    if len(_four_axes((*shapes, result))[-1]) > 4:
        raise reject(op, f"broadcasting {' and '.join(map(str, shapes))} needs more than 4 dimensions")
    return result


def _alike(shapes: tuple[Shape, ...], axis: int) -> bool:
    """Whether every input has both `axis` and the next one whole, or is repeated along both."""
    return all(shape[axis : axis + 2] in (shapes[-1][axis : axis + 2], (1, 1)) for shape in shapes)


def _merge(shapes: tuple[Shape, ...], axis: int) -> tuple[Shape, ...]:
    """`axis` and the next one as one axis."""
    return tuple((*s[:axis], s[axis] * s[axis + 1], *s[axis + 2 :]) for s in shapes)


def _four_axes(shapes: tuple[Shape, ...]) -> tuple[Shape, ...]:
    """Shapes, the last one the output's, with leading ones or merged axes so that they have 4; more if that fails."""
    rank = max(4, len(shapes[-1]))
    shapes = tuple((1,) * (rank - len(shape)) + shape for shape in shapes)
    while len(shapes[-1]) > 4:
        axis = next((i for i in range(len(shapes[-1]) - 1) if _alike(shapes, i)), None)
        if axis is None:
            break
        shapes = _merge(shapes, axis)
    return shapes


def broadcast_operands(graph: Graph, op: Op) -> tuple[Params, tuple[Operand, ...], Operand]:
    """(params, inputs, output) of a kernel that has a `tg_walk walk` in its params (tg_broadcast.h).

    An input that is repeated along the columns or channels has step 0 there; one that is repeated over the rows
    has one row, and the kernel reads row y modulo its rows; one that is repeated over the images has one image.
    """
    tensors = [*op.inputs, op.outputs[0]]
    shapes = _four_axes(tuple(graph.tensors[t].shape for t in tensors))
    if _alike(shapes, 2):
        shapes = tuple((*s[:2], 1, s[2] * s[3]) for s in shapes)  # one long run
    *operands, output = (
        Operand(t, s[0], s[1], prod(s[2:]) * graph.tensors[t].dtype.size) for t, s in zip(tensors, shapes, strict=True)
    )
    _, _, width, channels = shapes[-1]
    params = [("walk.width", width), ("walk.channels", channels)]
    for index, shape in enumerate(shapes[:-1]):
        params.append((f"walk.column_step[{index}]", shape[3] if shape[2] == width else 0))
    for index, shape in enumerate(shapes[:-1]):
        params.append((f"walk.channel_step[{index}]", int(shape[3] == channels)))
    return tuple(params), tuple(operands), output

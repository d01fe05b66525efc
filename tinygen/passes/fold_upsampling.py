"""RESHAPE and TILE in a row that repeat the pixels of an image become RESIZE_NEAREST_NEIGHBOR again.

Keras's UpSampling layers arrive like this. Exact: where every element goes is worked out for both and compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

import numpy as np

from tinygen.ir import DType, Graph, Op, Tensor
from tinygen.ops import OPERATORS, operator_for
from tinygen.ops.resize_nearest_neighbor import ResizeOptions
from tinygen.passes._rewrite import only_reader

_KINDS = ("RESHAPE", "TILE")
_LONGEST = 8  # operators; two axes take five
_LARGEST = 1 << 22  # elements; more do not fit a microcontroller


def fold_upsampling(graph: Graph) -> Graph:
    """The graph with each chain of RESHAPE and TILE that is a nearest resize as one."""
    done: set[int] = set()  # outputs of operators that stand in a chain that was looked at
    for op in graph.ops:
        if op.kind not in _KINDS or op.outputs[0] in done:
            continue
        chain = _chain(graph, op)
        done |= {link.outputs[0] for link in chain}
        found = _longest(graph, chain)
        if found:
            graph = _resized(graph, found)
    return graph


def _chain(graph: Graph, op: Op) -> list[Op]:
    """The operator and those behind it, each the only reader of the one before."""
    chain = [op]
    while (
        len(chain) < _LONGEST
        and (following := only_reader(graph, chain[-1].outputs[0])) is not None
        and following.kind in _KINDS
    ):
        chain.append(following)
    return chain


def _longest(graph: Graph, chain: list[Op]) -> list[Op]:
    """The longest part of a chain that is a resize; empty if none is."""
    parts = [chain[i:j] for i in range(len(chain)) for j in range(i + 1, len(chain) + 1)]
    tiled = [part for part in parts if any(op.kind == "TILE" for op in part)]
    return next((part for part in sorted(tiled, key=len, reverse=True) if _is_resize(graph, part)), [])


def _is_resize(graph: Graph, part: Sequence[Op]) -> bool:
    x, y = _image(graph.required(part[0], 0).shape), _image(graph.output(part[-1]).shape)
    if x is None or y is None or graph.required(part[0], 0).data is not None:
        return False
    if (x[0], x[3]) != (y[0], y[3]) or y[1] % x[1] or y[2] % x[2] or x == y or prod(y) > _LARGEST:
        return False
    goes = np.arange(prod(x))
    for op in part:
        (goes,) = operator_for(graph, op).reference(graph, op, [goes.reshape(graph.required(op, 0).shape)])
    wanted = np.arange(prod(x)).reshape(x).repeat(y[1] // x[1], 1).repeat(y[2] // x[2], 2)
    return bool((goes.reshape(-1) == wanted.reshape(-1)).all())


def _image(shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The shape as an NHWC image: time is its height."""
    return shape if len(shape) == 4 else (*shape[:2], 1, shape[2]) if len(shape) == 3 else None


def _resized(graph: Graph, part: Sequence[Op]) -> Graph:
    """The graph with RESIZE_NEAREST_NEIGHBOR for a part, and a RESHAPE on each side of it that is not an image."""
    x, y, last = graph.required(part[0], 0), graph.output(part[-1]), part[-1]
    before, after = _image(x.shape), _image(y.shape)
    assert before is not None
    assert after is not None
    count, size = len(graph.tensors), np.array(after[1:3], np.int32)
    tensors = (
        *graph.tensors,
        Tensor(f"{y.name} size", (2,), DType.INT32, data=size),
        replace(x, name=f"{x.name} as image", shape=before),
        replace(y, name=f"{y.name} as image", shape=after),
    )
    source = part[0].inputs[0] if before == x.shape else count + 1
    target = last.outputs[0] if after == y.shape else count + 2
    # with centers in the middle of pixels no quotient falls on the edge between two of them
    resize = Op("RESIZE_NEAREST_NEIGHBOR", last.name, ResizeOptions(False, True), (source, count), (target,))
    reshape = OPERATORS["RESHAPE"].parse(None)
    new = [resize]
    if source == count + 1:
        new.insert(0, Op("RESHAPE", part[0].name, reshape, part[0].inputs[:1], (source,)))
    if target == count + 2:
        new.append(Op("RESHAPE", last.name, reshape, (target,), last.outputs))
    ops: list[Op] = []
    for op in graph.ops:
        ops += new if op is last else [] if op in part else [op]
    return replace(graph, tensors=tensors, ops=tuple(ops))

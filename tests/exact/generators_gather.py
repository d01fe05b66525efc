"""Random cases of GATHER_ND and EMBEDDING_LOOKUP, and the indices that those and GATHER are asked for: inside of the
tensor, since TFLM knows no others (tests/exact/test_gather.py goes outside)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from tests.exact.generators_movement import Draw
from tests.support.tflite_builder import ModelBuilder
from tinygen.ir import Array, Graph, Tensor

TFLM_DTYPES = ("int8", "float32")


def gather_nd(d: Draw) -> int:
    """Slices or single elements of a tensor of up to five axes; constant or computed indices."""
    shape = d.shape(1, 5, 5)
    depth = d.below(1, len(shape))
    places = tuple(int(n) for n in d.rng.integers(1, 5, d.below(0, 2)))
    x, y = d.input(shape), d.output((*places, *shape[depth:]))
    picked = [d.rng.integers(0, n, places) for n in shape[:depth]]
    fixed = d.rng.random() < 0.4
    indices = d.integers(np.stack(picked, -1)) if fixed else d.b.input((*places, depth), None, dtype="int32")
    d.b.op("GATHER_ND", [x, indices], [y])
    return y


def embedding_lookup(d: Draw) -> int:
    """Rows of a constant or computed table; constant or computed numbers."""
    shape, count = d.shape(2, 4, 6), d.below(1, 6)
    numbers = d.b.input((count,), None, dtype="int32")
    x, y = d.input(shape), d.output((count, *shape[1:]))
    table = d.data(shape) if d.rng.random() < 0.5 else x
    if table != x:
        d.b.inputs.remove(x)
    d.b.op("EMBEDDING_LOOKUP", [numbers, table], [y])
    return y


DRAWS: dict[str, Callable[[Draw], int]] = {"EMBEDDING_LOOKUP": embedding_lookup, "GATHER_ND": gather_nd}


def _generator(kind: str) -> Callable[[ModelBuilder, Generator], int]:
    return lambda b, rng: DRAWS[kind](Draw(b, rng, TFLM_DTYPES[int(rng.random() < 0.3)]))


GENERATORS: dict[str, Callable[[ModelBuilder, Generator], int]] = {kind: _generator(kind) for kind in DRAWS}


def _inside(limits: tuple[int, ...], shape: tuple[int, ...], style: str, rng: Generator) -> Array:
    """Indices of len(limits) numbers each: of all places, of the first, or of the last."""
    highest = np.array(limits) - 1
    if style in ("lowest", "highest"):
        return np.broadcast_to(highest if style == "highest" else 0 * highest, shape).astype(np.int32)
    return rng.integers(0, highest, shape, endpoint=True).astype(np.int32)


def _values(graph: Graph, tensor: Tensor, drawn: Array, style: str, rng: Generator) -> Array:
    """The input that holds indices gets such; data stay what they are."""
    op = graph.ops[0]
    place = 0 if op.kind == "EMBEDDING_LOOKUP" else 1
    if tensor is not graph.required(op, place):
        return drawn
    shape = graph.required(op, 1 - place).shape
    if op.kind == "GATHER_ND":
        return _inside(shape[: tensor.shape[-1]], tensor.shape, style, rng)
    axis = op.options.axis if op.kind == "GATHER" else 0
    return _inside((shape[axis],), (*tensor.shape, 1), style, rng).reshape(tensor.shape)


VALUES = dict.fromkeys(("EMBEDDING_LOOKUP", "GATHER", "GATHER_ND"), _values)

"""Random cases of the int32 forms: numbers without a scale, with broadcasting."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from tests.exact import layers
from tests.exact.generators_binary import broadcast_shapes
from tests.support.tflite_builder import ModelBuilder
from tinygen.ir import Array, Graph, Tensor

Make = Callable[[ModelBuilder, Generator], int]

NOT_IN_TFLM = {"SELECT int32", "SELECT_V2 int32"}
_BINARY = ("ADD", "MAXIMUM", "MINIMUM", "MUL", "SUB")
_COMPARISONS = ("EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "NOT_EQUAL")


def _numbers(b: ModelBuilder, rng: Generator, shape: tuple[int, ...], constant: bool) -> int:
    values = rng.integers(-5, 6, shape) if rng.random() < 0.5 else rng.integers(-(1 << 31), 1 << 31, shape)
    return b.constant(np.asarray(values, np.int32)) if constant else b.input(shape, None, dtype="int32")


def _pair(kind: str) -> Make:
    def make(b: ModelBuilder, rng: Generator) -> int:
        shapes = broadcast_shapes(rng, 2)
        constant = rng.integers(3)  # 0 and 1: that one
        inputs = [_numbers(b, rng, shape, i == constant) for i, shape in enumerate(shapes)]
        y = b.tensor(np.broadcast_shapes(*shapes), dtype="bool" if kind in _COMPARISONS else "int32")
        b.op(kind, inputs, [y])
        return y

    return make


def _select_v2(b: ModelBuilder, rng: Generator) -> int:
    condition, *shapes = broadcast_shapes(rng, 3)
    inputs = [b.input(condition, None, dtype="bool"), *(_numbers(b, rng, s, rng.random() < 0.3) for s in shapes)]
    y = b.tensor(np.broadcast_shapes(condition, *shapes), dtype="int32")
    b.op("SELECT_V2", inputs, [y])
    return y


def _select(b: ModelBuilder, rng: Generator) -> int:
    shape = layers.any_rank(rng)
    condition = b.input(shape if rng.random() < 0.6 else ((), (1,))[rng.integers(2)], None, dtype="bool")
    y = b.tensor(shape, dtype="int32")
    b.op("SELECT", [condition, *(_numbers(b, rng, shape, rng.random() < 0.3) for _ in range(2))], [y])
    return y


GENERATORS: dict[str, Make] = {
    **{f"{kind} int32": _pair(kind) for kind in (*_BINARY, *_COMPARISONS)},
    "SELECT int32": _select,
    "SELECT_V2 int32": _select_v2,
}


def _small(graph: Graph, tensor: Tensor, drawn: Array, style: str, rng: Generator) -> Array:
    """Numbers that often are the same, as comparisons want them."""
    return rng.integers(-3, 4, tensor.shape).astype(np.int32) if style in ("random", "tilted") else drawn


VALUES = {f"{kind} int32": _small for kind in _COMPARISONS}

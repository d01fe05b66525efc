"""Random cases of what masks are made with and TFLM does not have: REDUCE_ANY, REDUCE_ALL, and SELECT, the older
SELECT_V2: no broadcasting, but for a condition of one element."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from tests.exact.layers import any_rank, power, zero_point
from tests.support.tflite_builder import ModelBuilder
from tinygen.ir import Array, Graph, Tensor

NOT_IN_TFLM = {"REDUCE_ALL", "REDUCE_ANY", "SELECT"}


def select(b: ModelBuilder, rng: Generator) -> int:
    shape, scale, zero = any_rank(rng), power(rng, -10, 2), zero_point(rng)
    condition = shape if rng.random() < 0.6 else ((), (1,))[rng.integers(2)]
    values = rng.integers(-128, 128, shape).astype("int8")
    second = b.constant(values, scale, zero) if rng.random() < 0.3 else b.input(shape, scale, zero)
    y = b.tensor(shape, scale, zero)
    b.op("SELECT", [b.input(condition, None, dtype="bool"), b.input(shape, scale, zero), second], [y])
    return y


def _reduction(kind: str) -> Callable[[ModelBuilder, Generator], int]:
    def reduction(b: ModelBuilder, rng: Generator) -> int:
        shape = tuple(int(n) for n in rng.integers(1, 8, rng.integers(1, 6)))
        axes = [i for i in range(len(shape)) if rng.random() < 0.4] or [len(shape) - 1]
        keep = bool(rng.integers(2))
        made = [1 if i in axes else n for i, n in enumerate(shape) if keep or i not in axes]
        y = b.tensor(made, dtype="bool")
        written = [i - len(shape) if rng.random() < 0.3 else i for i in axes]
        b.op(kind, [b.input(shape, None, dtype="bool"), b.constant(np.array(written, np.int32))], [y], keepDims=keep)
        return y

    return reduction


GENERATORS: dict[str, Callable[[ModelBuilder, Generator], int]] = {
    "REDUCE_ALL": _reduction("REDUCE_ALL"),
    "REDUCE_ANY": _reduction("REDUCE_ANY"),
    "SELECT": select,
}


def _mixed(graph: Graph, tensor: Tensor, drawn: Array, style: str, rng: Generator) -> Array:
    """So few that are true (of REDUCE_ALL: false) that the answers differ."""
    if style in ("lowest", "highest", "zero"):
        return drawn
    count = tensor.elements // graph.output(graph.ops[0]).elements
    rare: Array = rng.random(tensor.shape) < 0.7 / count
    return rare if graph.ops[0].kind == "REDUCE_ANY" else ~rare


VALUES = {"REDUCE_ALL": _mixed, "REDUCE_ANY": _mixed}

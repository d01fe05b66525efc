"""Random cases of SELECT, the older SELECT_V2: no broadcasting, but for a condition of one element."""

from __future__ import annotations

from collections.abc import Callable

from numpy.random import Generator

from tests.exact.layers import any_rank, power, zero_point
from tests.support.tflite_builder import ModelBuilder

NOT_IN_TFLM = {"SELECT"}


def select(b: ModelBuilder, rng: Generator) -> int:
    shape, scale, zero = any_rank(rng), power(rng, -10, 2), zero_point(rng)
    condition = shape if rng.random() < 0.6 else ((), (1,))[rng.integers(2)]
    values = rng.integers(-128, 128, shape).astype("int8")
    second = b.constant(values, scale, zero) if rng.random() < 0.3 else b.input(shape, scale, zero)
    y = b.tensor(shape, scale, zero)
    b.op("SELECT", [b.input(condition, None, dtype="bool"), b.input(shape, scale, zero), second], [y])
    return y


GENERATORS: dict[str, Callable[[ModelBuilder, Generator], int]] = {"SELECT": select}

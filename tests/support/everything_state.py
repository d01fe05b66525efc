"""A model of every operator that keeps something from one inference to the next."""

from __future__ import annotations

import numpy as np

from tests.support.tflite_builder import ModelBuilder
from tinygen.ir import Graph
from tinygen.load.tflite import parse_tflite
from tinygen.verify import verify


def values(*shape: int, dtype: str = "int8") -> np.ndarray:
    """Numbers from -125 to 125 without a pattern, the same everywhere."""
    count = int(np.prod(shape))
    return ((np.arange(count, dtype=np.int64) * 7919 + 13) % 251 - 125).astype(dtype).reshape(shape)


def _svdf(b: ModelBuilder, x: int, dtype: str) -> int:
    """int8 (1, 6) to (1, 3): two filters per unit that remember four results."""
    scale = 0.1 if dtype == "int8" else 0.0005
    inputs = [
        x,
        b.constant(values(6, 6), 0.01),
        b.constant(values(6, 4, dtype=dtype), 0.02),
        b.constant(np.array([-300, 7, 250], np.int32), scale * 0.02),
        b.variable((1, 24), scale, 3 if dtype == "int8" else 0, dtype),
    ]
    y = b.tensor((1, 3), 0.1, -5)
    b.op("SVDF", inputs, [y], rank=2, fusedActivationFunction=1)
    return y


def lstm_states(b: ModelBuilder, batch: int, dtype: str = "int8") -> tuple[int, int]:
    """Hidden and cell state of an LSTM of 4 units."""
    scale, zero = (0.9 / 128, -7) if dtype == "int8" else (0.9 / 32768, 0)
    return b.variable((batch, 4), scale, zero, dtype), b.variable((batch, 4), 2.0**-12, 0, "int16")


def lstm(b: ModelBuilder, x: int, states: tuple[int, int], dtype: str = "int8") -> int:
    """(batch, time, n) to (batch, time, 4)."""
    bias_dtype = "int32" if dtype == "int8" else "int64"
    (hidden, cell), shape = states, b.shape(x)
    weights = [b.constant(values(4, n) + np.int8(i), 0.02) for n in (shape[2], 4) for i in range(4)]
    biases = [b.constant((100 * values(4, dtype=bias_dtype) + i), b.scale(x) * 0.02) for i in range(4)]
    y = b.tensor((*shape[:2], 4), b.scale(hidden), b.zero_point(hidden), dtype)
    inputs = [x, *weights, -1, -1, -1, *biases, -1, -1, hidden, cell, -1, -1, -1, -1]
    b.op("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, [y], fusedActivationFunction=4, cellClip=4.0)
    return y


def _before(b: ModelBuilder, x: int) -> int:
    """int8 (1, 6), to what it was in the inference before."""
    init = b.call_once()
    init.op("ASSIGN_VARIABLE", [init.handle("before"), init.constant(values(1, 6), b.scale(x), b.zero_point(x))], [])
    y, handle = b.tensor((1, 6), b.scale(x), b.zero_point(x)), b.handle("before")
    b.op("READ_VARIABLE", [handle], [y])
    b.op("ASSIGN_VARIABLE", [handle, x], [])
    return y


def filter_model() -> bytes:
    """int8 (1, 6) to int8 (1, 3): a variable with initial values before an SVDF."""
    b = ModelBuilder()
    x = _before(b, b.input((1, 6), 0.05, 4))
    return b.build([_svdf(b, x, "int8")])


def state_model() -> bytes:
    """int8 (1, 6), int8 and int16 (2, 3, 2) to two times int8 (1, 3), int8 and int16 (2, 3, 4)."""
    b = ModelBuilder()
    x = _before(b, b.input((1, 6), 0.05, 4))
    series = b.input((2, 3, 2), 0.02, 9), b.input((2, 3, 2), 0.0001, 0, "int16")
    ends = [_svdf(b, x, "int8"), _svdf(b, x, "int16")]
    ends += [lstm(b, x, lstm_states(b, 2, dtype), dtype) for x, dtype in zip(series, ("int8", "int16"), strict=True)]
    return b.build(ends)


def shared_model() -> bytes:
    """int8 (1, 6, 4) through two LSTMs with the same states to int8 (1, 6, 4), as converters make them."""
    b = ModelBuilder()
    states = lstm_states(b, 1)
    first = lstm(b, b.input((1, 6, 4), 0.02, 9), states)
    return b.build([lstm(b, first, states)])


def graph() -> Graph:
    return verify(parse_tflite(state_model(), "everything_state", "everything_state"))

"""Random cases of the operators that keep something from one inference to the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from tests.exact.layers import f32, power, zero_point
from tests.support.tflite_builder import ModelBuilder

_TANH = 4


def _svdf(b: ModelBuilder, rng: Generator) -> int:
    """An int8 or int16 state; features that mostly fill it without leaving it."""
    batch, inputs, units, rank, memory = (int(rng.integers(1, n)) for n in (4, 20, 9, 4, 12))
    filters = units * rank
    wide = rng.random() < 0.6
    dtype, largest = (np.int16, 32767) if wide else (np.int8, 127)
    x = b.input((batch, inputs), power(rng, -10, 2), zero_point(rng))
    features = b.constant(rng.integers(-127, 128, (filters, inputs)).astype(np.int8), power(rng, -9, -3))
    spread = 74 * 74 * inputs**0.5 * power(rng, -3, 3)
    state_scale = f32(b.scale(x) * b.scale(features) * spread / (largest / 2))
    # an int8 state with a zero point wraps around in TFLM where it would saturate
    state_zero = 0 if wide or rng.random() < 0.5 else zero_point(rng)
    state = b.variable((batch, memory * filters), state_scale, state_zero, dtype.__name__)
    time_scale = f32(min(power(rng, -9, -3), 8.0 / state_scale))
    time = b.constant(rng.integers(-largest, largest + 1, (filters, memory)).astype(dtype), time_scale)
    typical = largest / 2 * largest / 2 * (memory * rank) ** 0.5
    bias = rng.integers(-int(typical), int(typical) + 1, units).astype(np.int32)
    biases = b.constant(bias, f32(state_scale * time_scale))
    scale = f32(state_scale * time_scale * typical / 60 * power(rng, -2, 2))
    y = b.tensor((batch, units), scale, zero_point(rng) if rng.random() < 0.5 else 0)
    b.op("SVDF", [x, features, time, biases, state], [y], rank=rank, fusedActivationFunction=int(rng.integers(2)))
    return y


def _lstm(wide: bool) -> Callable[[ModelBuilder, Generator], int]:
    """int8 or int16 (wide) activations; gates that mostly neither saturate nor stay at 0."""
    dtype, largest = ("int16", 32768) if wide else ("int8", 128)

    def lstm(b: ModelBuilder, rng: Generator) -> int:
        batch, steps, inputs, units = (int(rng.integers(1, n)) for n in (4, 7, 9, 10))
        time_major = bool(rng.integers(2))
        lead = (steps, batch) if time_major else (batch, steps)
        x = b.input((*lead, inputs), power(rng, -15, -5), 0 if wide else zero_point(rng), dtype)
        hidden = b.variable((batch, units), f32(power(rng, -1, 0.5) / largest), 0 if wide else zero_point(rng), dtype)
        cell = b.variable((batch, units), 2.0 ** -int(rng.choice((10, 11, 11, 12, 13, 15, 17))), 0, "int16")

        def weights(columns: int, scale: float) -> list[int]:
            reach = scale * largest * 74 * columns**0.5  # of the sums, for weights of scale 1
            gates = (rng.integers(-127, 128, (units, columns)).astype(np.int8) for _ in range(4))
            return [b.constant(w, f32(power(rng, -1, 2) / reach)) for w in gates]

        from_input, from_hidden = weights(inputs, b.scale(x)), weights(units, b.scale(hidden))
        typical = largest * 74 * inputs**0.5
        biases = [
            b.constant(
                rng.normal(0, typical, units).astype(np.int64 if wide else np.int32), f32(b.scale(x) * b.scale(w))
            )
            for w in from_input
        ]
        y = b.tensor((*lead, units), b.scale(hidden), b.zero_point(hidden), dtype)
        inputs_of = [x, *from_input, *from_hidden, -1, -1, -1, *biases, -1, -1, hidden, cell, -1, -1, -1, -1]
        b.op(
            "UNIDIRECTIONAL_SEQUENCE_LSTM",
            inputs_of,
            [y],
            fusedActivationFunction=_TANH,
            cellClip=0.0 if rng.random() < 0.6 else power(rng, -3, 3),
            timeMajor=time_major,
        )
        return y

    return lstm


_TYPES = ("int8", "int8", "int8", "int16", "int32", "float32")


def _initialized(b: ModelBuilder, rng: Generator, name: str, shape: Sequence[int], like: Quantized) -> None:
    """CALL_ONCE that gives a variable numbers, or one number, or there is none: then it begins at the zero point."""
    style = rng.integers(3)
    if style < 2:
        init = b.call_once()
        drawn = rng.integers(-128, 128, tuple(shape) if style else ()).astype(like.dtype)
        value = init.constant(np.broadcast_to(drawn, tuple(shape)), like.scale, like.zero)
        init.op("ASSIGN_VARIABLE", [init.handle(name), value], [])


@dataclass(frozen=True)
class Quantized:
    """Type and quantization that a variable shares with what goes into it."""

    dtype: str
    scale: float | None
    zero: int

    @staticmethod
    def draw(rng: Generator) -> Quantized:
        dtype = str(rng.choice(_TYPES))
        scale = power(rng, -12, 4) if dtype in ("int8", "int16") else None
        return Quantized(dtype, scale, zero_point(rng) if dtype == "int8" else 0)


def _stream(b: ModelBuilder, rng: Generator) -> list[int]:
    """What a streaming layer does: the last rows are kept, the new ones put behind them."""
    q = Quantized.draw(rng)
    kept, new, width, channels = (int(n) for n in rng.integers(1, 5, 4))
    rank = int(rng.integers(2, 5))
    tail = (width, channels)[: rank - 2]
    x = b.input((1, new, *tail), q.scale, q.zero, q.dtype)
    _initialized(b, rng, "rows", (1, kept, *tail), q)
    handle = b.handle("rows")
    old, all_rows, last = (b.tensor((1, n, *tail), q.scale, q.zero, q.dtype) for n in (kept, kept + new, kept))
    b.op("READ_VARIABLE", [handle], [old])
    b.op("CONCATENATION", [old, x], [all_rows], axis=1)
    begin, size = ([0, new] + [0] * (rank - 2), [1, kept, *tail])
    b.op("SLICE", [all_rows, *(b.constant(np.array(v, np.int32)) for v in (begin, size))], [last])
    b.op("ASSIGN_VARIABLE", [handle, last], [])
    return [all_rows]


def _swap(b: ModelBuilder, rng: Generator) -> list[int]:
    """Two variables change places, one takes up the input; read before, in between and after."""
    q = Quantized.draw(rng)
    shape = tuple(int(n) for n in rng.integers(1, 6, rng.integers(1, 5)))
    x = b.input(shape, q.scale, q.zero, q.dtype)
    for name in ("one", "two"):
        _initialized(b, rng, name, shape, q)
    one, two, again = b.handle("one"), b.handle("two"), b.handle("one")
    reads = [b.tensor(shape, q.scale, q.zero, q.dtype) for _ in range(4)]
    flat = b.tensor((int(np.prod(shape)),), q.scale, q.zero, q.dtype)
    b.op("READ_VARIABLE", [one], [reads[0]])
    b.op("RESHAPE", [reads[0]], [flat], newShape=list(b.shape(flat)))
    b.op("READ_VARIABLE", [two], [reads[1]])
    first, second = (one, two) if rng.random() < 0.5 else (two, one)
    b.op("ASSIGN_VARIABLE", [first, reads[1] if first == one else x], [])
    b.op("READ_VARIABLE", [again], [reads[2]])
    b.op("ASSIGN_VARIABLE", [second, x if second == two else reads[1]], [])
    b.op("READ_VARIABLE", [two], [reads[3]])
    # not the views that are read: another operator's reading of them, before and after the variables have changed
    ends = [b.tensor((int(np.prod(shape)) * 2,), q.scale, q.zero, q.dtype) for _ in range(2)]
    flats = [b.tensor(b.shape(flat), q.scale, q.zero, q.dtype) for _ in range(3)]
    for read, made in zip(reads[1:], flats, strict=True):
        b.op("RESHAPE", [read], [made], newShape=list(b.shape(flat)))
    b.op("CONCATENATION", [flat, flats[0]], [ends[0]], axis=0)
    b.op("CONCATENATION", [flats[1], flats[2]], [ends[1]], axis=0)
    return [*ends, reads[3]] if rng.random() < 0.5 else ends


GENERATORS: dict[str, Callable[[ModelBuilder, Generator], int | Sequence[int]]] = {
    "ASSIGN_VARIABLE": _swap,
    "READ_VARIABLE": _stream,
    "SVDF": _svdf,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _lstm(wide=False),
    "UNIDIRECTIONAL_SEQUENCE_LSTM int16": _lstm(wide=True),
}

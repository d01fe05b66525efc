"""Random cases of the elementwise operators with two inputs, of the comparisons, the logic, SELECT_V2 and CAST."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from tests.exact import layers
from tests.exact.layers import f32, power, zero_point
from tests.support.tflite_builder import ModelBuilder
from tinygen.ir import Array, DType, Graph, Tensor

Shape = tuple[int, ...]
Layer = Callable[[ModelBuilder, Generator], int]
TYPES = ("int8", "int16", "int32", "float32", "bool")


def broadcast_shapes(rng: Generator, count: int) -> list[Shape]:
    """Shapes that broadcast to one another: the same, one repeated, all repeated somewhere, of lower rank, scalars."""
    whole = layers.image(rng) if rng.random() < 0.5 else tuple(int(n) for n in rng.integers(1, 7, rng.integers(1, 5)))
    if rng.random() < 0.15:
        return [_five_axes(rng)] + [(1, 1, 1, 4, 3)] * (count - 1)
    style = rng.choice(5, p=(0.2, 0.2, 0.15, 0.3, 0.15))
    if style == 0:
        return [whole] * count
    repeated = [tuple(n if rng.random() < 0.6 else 1 for n in whole) for _ in range(count)]
    if style == 1:
        return [whole, *repeated[1:]]
    if style == 2:
        return [whole, *(shape[int(rng.integers(len(shape) + 1)) :] for shape in repeated[1:])]
    if style == 4:
        return [whole, *[()] * (count - 1)]
    owners = rng.integers(-1, count, len(whole))  # which one has an axis whole; -1: all
    return [tuple(n if o in (-1, i) else 1 for n, o in zip(whole, owners, strict=True)) for i in range(count)]


def _five_axes(rng: Generator) -> Shape:
    return (int(rng.integers(1, 4)), 2, int(rng.integers(1, 3)), 4, 3)


def _operands(b: ModelBuilder, rng: Generator, count: int, make: Callable[[Shape, bool], int]) -> list[int]:
    """Tensors of `make` (shape, whether constant) in any order; one of two is constant now and then."""
    shapes = broadcast_shapes(rng, count)
    constant = len(shapes) - 1 if rng.random() < 0.3 else -1
    made = [make(shape, index == constant) for index, shape in enumerate(shapes)]
    return made if rng.random() < 0.5 else made[::-1]


def _int8(b: ModelBuilder, rng: Generator, scale: float, zero: int) -> Callable[[Shape, bool], int]:
    """Makes int8 tensors; scale and zero point of the first one, of the others near that scale."""
    made: list[int] = []

    def make(shape: Shape, constant: bool) -> int:
        own = (f32(scale * power(rng, -6, 6)), zero_point(rng)) if made else (scale, zero)
        values = rng.integers(-128, 128, shape).astype(np.int8)
        made.append(b.constant(values, *own) if constant else b.input(shape, *own))
        return made[-1]

    return make


def _alike(b: ModelBuilder, rng: Generator, scale: float, zero: int) -> Callable[[Shape, bool], int]:
    """Makes int8 tensors of one quantization."""

    def make(shape: Shape, constant: bool) -> int:
        values = np.asarray(rng.integers(-128, 128, shape).astype(np.int8))
        return b.constant(values, scale, zero) if constant else b.input(shape, scale, zero)

    return make


def _bool(b: ModelBuilder, rng: Generator) -> Callable[[Shape, bool], int]:
    def make(shape: Shape, constant: bool) -> int:
        return b.constant(np.asarray(rng.random(shape) < 0.5)) if constant else b.input(shape, None, dtype="bool")

    return make


def _whole(b: ModelBuilder, tensors: list[int]) -> Shape:
    return tuple(np.broadcast_shapes(*(b.shape(t) for t in tensors)))


def _activated(kind: str, output_scale: Callable[[Generator, float, float], float]) -> Layer:
    """An operator with a fused activation; `output_scale` follows from both input scales."""

    def layer(b: ModelBuilder, rng: Generator) -> int:
        pair = _operands(b, rng, 2, _int8(b, rng, power(rng, -10, 2), zero_point(rng)))
        # below, TFLM finds that the limit 6 / scale does not fit 32 bits
        scale = max(2.0**-28, output_scale(rng, b.scale(pair[0]), b.scale(pair[1])))
        y = b.tensor(_whole(b, pair), f32(scale), zero_point(rng))
        b.op(kind, pair, [y], fusedActivationFunction=layers.activation(rng))
        return y

    return layer


def _sub_scale(rng: Generator, a: float, b: float) -> float:
    return max(a, b) * (2.0, power(rng, -4, 5), power(rng, -17, 16))[rng.choice(3, p=(0.2, 0.6, 0.2))]


def _mul_scale(rng: Generator, a: float, b: float) -> float:
    """The product of both scales times what leaves one step to a few thousand of them; now and then any factor."""
    factors = (2.0 ** rng.integers(5, 10), power(rng, 4, 10), power(rng, -25, 30))
    return a * b * factors[rng.choice(3, p=(0.2, 0.6, 0.2))]


def div(b: ModelBuilder, rng: Generator) -> int:
    """Scales with which TFLM shifts by 0 to 31 bits, whatever the values; constants are never zero."""
    small = int(rng.choice((3, 15, 127, 255)))  # the largest divisor
    zero = zero_point(rng)
    shapes = broadcast_shapes(rng, 2)[:: rng.choice((1, -1))]
    scale = power(rng, -10, 2)
    divisor_scale = f32(scale * power(rng, -6, 6))
    x = b.input(shapes[0], scale, zero_point(rng))
    if small < 255:
        values = np.clip(zero + rng.integers(1, small + 1, shapes[1]) * rng.choice((-1, 1), shapes[1]), -128, 127)
        values = np.where(values == zero, zero + (1 if zero < 127 else -1), values)
        divisor = b.constant(values.astype(np.int8), divisor_scale, zero)
    else:
        divisor = b.input(shapes[1], divisor_scale, zero)
    ratio = power(rng, small.bit_length() - 1, small.bit_length() + 2 if rng.random() < 0.8 else 22)
    y = b.tensor(_whole(b, [x, divisor]), f32(scale / divisor_scale / ratio), zero_point(rng))
    b.op("DIV", [x, divisor], [y], fusedActivationFunction=layers.activation(rng))
    return y


def squared_difference(b: ModelBuilder, rng: Generator) -> int:
    pair = _operands(b, rng, 2, _int8(b, rng, power(rng, -10, 2), zero_point(rng)))
    largest = max(b.scale(t) for t in pair)
    y = b.tensor(
        _whole(b, pair), f32(largest**2 * (power(rng, 4, 10), power(rng, -20, 20))[rng.random() < 0.2]), zero_point(rng)
    )
    b.op("SQUARED_DIFFERENCE", pair, [y])
    return y


def _extremum(kind: str) -> Layer:
    def layer(b: ModelBuilder, rng: Generator) -> int:
        scale, zero = power(rng, -10, 2), zero_point(rng)
        pair = _operands(b, rng, 2, _alike(b, rng, scale, zero))
        y = b.tensor(_whole(b, pair), scale, zero)
        b.op(kind, pair, [y])
        return y

    return layer


def _comparison(kind: str) -> Layer:
    """Scales up to 1, tiny ones too; as often as not of the same quantization, where many are equal."""

    def layer(b: ModelBuilder, rng: Generator) -> int:
        scale, zero = power(rng, -36 if rng.random() < 0.2 else -12, -6), zero_point(rng)
        make = (_alike, _int8)[rng.integers(2)](b, rng, scale, zero)
        if kind in ("EQUAL", "NOT_EQUAL") and rng.random() < 0.3:
            make = _bool(b, rng)
        return _to_bool(b, kind, _operands(b, rng, 2, make))

    return layer


def _logical(kind: str) -> Layer:
    return lambda b, rng: _to_bool(b, kind, _operands(b, rng, 2, _bool(b, rng)))


def _to_bool(b: ModelBuilder, kind: str, inputs: list[int]) -> int:
    y = b.tensor(_whole(b, inputs), dtype="bool")
    b.op(kind, inputs, [y])
    return y


def logical_not(b: ModelBuilder, rng: Generator) -> int:
    return _to_bool(b, "LOGICAL_NOT", [b.input(broadcast_shapes(rng, 1)[0], None, dtype="bool")])


def select_v2(b: ModelBuilder, rng: Generator) -> int:
    scale, zero = power(rng, -10, 2), zero_point(rng)
    shapes = broadcast_shapes(rng, 3)
    condition, first, second = (shapes[i] for i in rng.permutation(3))
    value, choice = _alike(b, rng, scale, zero), _bool(b, rng)
    constant = rng.integers(6)  # none as often as each of them
    inputs = [choice(condition, constant == 0), value(first, constant == 1), value(second, constant == 2)]
    y = b.tensor(_whole(b, inputs), scale, zero)
    b.op("SELECT_V2", inputs, [y])
    return y


def cast(b: ModelBuilder, rng: Generator) -> int:
    source, target = (str(t) for t in rng.choice(TYPES, 2))
    scale = None if source in ("float32", "bool") or rng.random() < 0.5 else power(rng, -6, 2)
    shape = broadcast_shapes(rng, 1)[0]
    y = b.tensor(shape, dtype=target)
    b.op("CAST", [b.input(shape, scale, dtype=source)], [y])
    return y


GENERATORS: dict[str, Layer] = {
    "CAST": cast,
    "DIV": div,
    "EQUAL": _comparison("EQUAL"),
    "GREATER": _comparison("GREATER"),
    "GREATER_EQUAL": _comparison("GREATER_EQUAL"),
    "LESS": _comparison("LESS"),
    "LESS_EQUAL": _comparison("LESS_EQUAL"),
    "LOGICAL_AND": _logical("LOGICAL_AND"),
    "LOGICAL_NOT": logical_not,
    "LOGICAL_OR": _logical("LOGICAL_OR"),
    "MAXIMUM": _extremum("MAXIMUM"),
    "MINIMUM": _extremum("MINIMUM"),
    "MUL": _activated("MUL", _mul_scale),
    "NOT_EQUAL": _comparison("NOT_EQUAL"),
    "SELECT_V2": select_v2,
    "SQUARED_DIFFERENCE": squared_difference,
    "SUB": _activated("SUB", _sub_scale),
}


def _number_values(graph: Graph, tensor: Tensor, style: str, rng: Generator) -> Array:
    """Values for CAST: of the input's whole range; floats that the output's type holds, or any for a float."""
    if tensor.dtype is DType.BOOL:
        return np.asarray(rng.random(tensor.shape) < {"lowest": 0, "highest": 1}.get(style, 0.5))
    whole = graph.output(graph.ops[0]).dtype if tensor.dtype is DType.FLOAT32 else tensor.dtype
    if whole in (DType.FLOAT32, DType.BOOL):
        whole = DType.INT32
    low, high = np.iinfo(whole.value).min, np.iinfo(whole.value).max
    exponents = rng.integers(0, whole.size * 8, tensor.shape)
    values = {
        "lowest": np.full(tensor.shape, float(low)),
        "highest": np.full(tensor.shape, float(high)),
        "zero": np.zeros(tensor.shape),
        "extremes": rng.choice((float(low), float(high)), tensor.shape),
        "near zero": rng.uniform(-3, 3, tensor.shape),
    }.get(style, rng.uniform(-1, 1, tensor.shape) * 2.0**exponents)
    if tensor.dtype is DType.FLOAT32:
        inside = np.nextafter(np.float32(high), np.float32(0)) if whole is DType.INT32 else np.float32(high)
        return np.asarray(np.clip(values, low, inside).astype(np.float32))
    return np.asarray(np.clip(values, low, high).astype(np.int64).astype(tensor.dtype.value))


def _divisible(graph: Graph, tensor: Tensor, values: Array) -> Array:
    """Values without the zero of a divisor, which TFLM does not define."""
    if tensor is not graph.required(graph.ops[0], 1):
        return values
    zero = tensor.zero_point
    return np.where(values == zero, zero + (1 if zero < 127 else -1), values).astype(np.int8)


# what stands in place of the values that cases.py draws for every other operator: (graph, tensor, those, style)
VALUES: dict[str, Callable[[Graph, Tensor, Array, str, Generator], Array]] = {
    "CAST": lambda graph, tensor, values, style, rng: _number_values(graph, tensor, style, rng),
    "DIV": lambda graph, tensor, values, style, rng: _divisible(graph, tensor, values),
}

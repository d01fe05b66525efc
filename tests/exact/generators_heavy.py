"""Random cases of reductions, matrix products, transposed convolution and bilinear resizing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.random import Generator

from tests.exact import layers
from tests.support.tflite_builder import ModelBuilder


def _shape(rng: Generator, largest: int = 7) -> tuple[int, ...]:
    """1 to 5 dimensions, as a rule 2 to 4."""
    rank = int(rng.choice(5, p=(0.1, 0.2, 0.25, 0.25, 0.2))) + 1
    return tuple(int(n) for n in rng.integers(2 if rng.random() < 0.7 else 1, largest + 1, rank))


def _axes(b: ModelBuilder, rng: Generator, rank: int) -> tuple[int, set[int]]:
    """A tensor of axes in any order, negative ones and duplicates among them; and which ones they are."""
    first = 1 if rank > 1 and rng.random() < 0.65 else 0  # the first axis is kept: the output has rows
    chosen = [first + int(a) for a in rng.permutation(rank - first)[: rng.integers(1, rank - first + 1)]]
    written = [a - rank if rng.random() < 0.3 else a for a in chosen + chosen[: rng.integers(2)]]
    scalar = len(written) == 1 and rng.random() < 0.5
    return b.constant(np.array(written[0] if scalar else written, np.int32)), set(chosen)


def _reduced(shape: Sequence[int], axes: set[int], keep: bool) -> tuple[int, ...]:
    return tuple(1 if i in axes else n for i, n in enumerate(shape) if keep or i not in axes)


def _rescaling(b: ModelBuilder, rng: Generator, x: int, count: int, typical: float) -> tuple[float, int]:
    """(scale, zero point) of outputs that are sums of `count` elements, spread over `typical` input steps.

    Mostly the zero point is such that the outputs' middle is 0.
    """
    ratio = (1.0, typical / 50 * layers.power(rng, -1, 2), layers.power(rng, -29, 29))[rng.choice(3, p=(0.2, 0.7, 0.1))]
    middle = int(np.clip(b.zero_point(x) * count / ratio, -128, 127))
    return layers.f32(b.scale(x) * ratio), middle if rng.random() < 0.7 else layers.zero_point(rng)


def _reduction(kind: str) -> Callable[[ModelBuilder, Generator], int]:
    def reduction(b: ModelBuilder, rng: Generator) -> int:
        shape = _shape(rng)
        if kind == "MEAN" and rng.random() < 0.4:
            return layers.mean(b, rng, layers.model_input(b, rng, layers.image(rng)))
        x = layers.model_input(b, rng, shape)
        axes, which = _axes(b, rng, len(shape))
        keep = bool(rng.integers(2))
        count = prod(shape[a] for a in which)
        scale, zero = b.scale(x), b.zero_point(x)
        if kind == "REDUCE_PROD":
            scale, zero = of_products(rng, b.scale(x), count, 127), layers.zero_point(rng)
        elif kind in ("MEAN", "SUM"):
            scale, zero = _rescaling(b, rng, x, *((count, 74 * count**0.5) if kind == "SUM" else (1, 74 / count**0.5)))
        y = b.tensor(_reduced(shape, which, keep), scale, zero)
        b.op(kind, [x, axes], [y], keepDims=keep)
        return y

    return reduction


def of_products(rng: Generator, scale: float, count: int, highest: int) -> float:
    """An output scale for the usual size of a product of so many elements; halves of it are met when there are few."""
    typical = highest * 0.4 if rng.random() < 0.5 else float(rng.integers(2, highest))
    wanted = count * np.log2(scale * typical) - np.log2(float(rng.integers(1, highest)) + 0.5)
    return layers.f32(2.0 ** float(np.clip(wanted, -90, 90)))


def _axis(b: ModelBuilder, rng: Generator, rank: int) -> tuple[int, int]:
    """A tensor of one axis, and which one it is."""
    axis = int(rng.integers(min(1, rank - 1), rank)) if rng.random() < 0.7 else 0
    written = axis - rank if rng.random() < 0.3 else axis
    return b.constant(np.array(written if rng.random() < 0.5 else [written], np.int32)), axis


def _arg(kind: str) -> Callable[[ModelBuilder, Generator], int]:
    def arg(b: ModelBuilder, rng: Generator) -> int:
        shape = list(_shape(rng))
        tensor, axis = _axis(b, rng, len(shape))
        shape[axis] = int(rng.integers(1, 30))
        y = b.tensor(shape[:axis] + shape[axis + 1 :], dtype="int32")
        b.op(kind, [layers.model_input(b, rng, tuple(shape)), tensor], [y], outputType=schema.TensorType.INT32)
        return y

    return arg


def _cumsum(b: ModelBuilder, rng: Generator) -> int:
    shape = list(_shape(rng))
    tensor, axis = _axis(b, rng, len(shape))
    shape[axis] = int(rng.integers(1, 16))  # longer ones overflow in TFLM
    x = layers.model_input(b, rng, tuple(shape))
    ratio = layers.f32((layers.power(rng, -18, 2), layers.power(rng, -2, 6))[int(rng.random() < 0.8)])
    y = b.tensor(shape, layers.f32(b.scale(x) * ratio), layers.zero_point(rng))
    b.op("CUMSUM", [x, tensor], [y], exclusive=bool(rng.integers(2)), reverse=bool(rng.integers(2)))
    return y


def _transpose_conv(b: ModelBuilder, rng: Generator) -> int:
    """The output is one of those from which a convolution with the same options would make the input's shape."""
    x = layers.model_input(b, rng, layers.image(rng))
    padding = int(rng.integers(2))
    kernel, stride = [int(k) for k in rng.integers(1, 6, 2)], [int(s) for s in rng.integers(1, 5, 2)]
    n, *sizes, channels = b.shape(x)
    more = [int(rng.integers(s)) for s in stride]
    if padding == layers.SAME:
        height, width = (size * s - m for size, s, m in zip(sizes, stride, more, strict=True))
    else:
        height, width = ((size - 1) * s + k + m for size, s, k, m in zip(sizes, stride, kernel, more, strict=True))
    filters = int(rng.integers(1, 7))
    shape = (n, height, width, filters)
    weights = layers._weights(rng, (filters, *kernel, channels))
    # TFLM has no optional bias: it is there or it is not
    inputs, y = layers._weighted(b, rng, x, weights, 0, shape, layers.STYLES, absent=False)
    b.op(
        "TRANSPOSE_CONV",
        [b.constant(np.array(shape, np.int32)), inputs[1], x, *inputs[2:]],
        [y],
        padding=padding,
        strideH=stride[0],
        strideW=stride[1],
        fusedActivationFunction=layers.activation(rng),
    )
    return y


def _resize_bilinear(b: ModelBuilder, rng: Generator) -> int:
    n, _, _, channels = layers.image(rng)
    old = [int(s) for s in rng.integers(1, 13, 2)]
    new = [int(s) for s in (rng.integers(1, 25, 2), np.array(old) * 2)[int(rng.random() < 0.2)]]
    x = layers.model_input(b, rng, (n, *old, channels))
    y = b.tensor((n, *new, channels), b.scale(x), b.zero_point(x))
    style = int(rng.integers(3))
    size = b.constant(np.array(new, np.int32))
    b.op("RESIZE_BILINEAR", [x, size], [y], alignCorners=style == 1, halfPixelCenters=style == 2)
    return y


def _batch_matmul(b: ModelBuilder, rng: Generator) -> int:
    """Two inputs, or one and a constant on either side."""
    rows, depth, columns = (int(n) for n in rng.integers(1, 9, 3))
    batches = [int(n) for n in rng.integers(1, 4, rng.integers(0, 4))]
    adjoint = [bool(rng.integers(2)) for _ in range(2)]
    operands, spread = [], 74 * 74 * depth**0.5
    constant = rng.integers(4)  # which operand, if any; never both
    for index, matrix in enumerate(((rows, depth), (depth, columns))):
        own = [n if rng.random() < 0.7 else 1 for n in batches]
        own = own[int(rng.integers(len(own) + 1)) :] if rng.random() < 0.3 else own
        shape = (*own, *(matrix[::-1] if adjoint[index] else matrix))
        scale, zero = layers.power(rng, -10, 0), layers.zero_point(rng)
        if rng.random() < 0.5:
            zero = int(rng.integers(-20, 21))
        if index == constant:
            operands.append(b.constant(rng.integers(-128, 128, shape).astype(np.int8), scale, zero))
        else:
            operands.append(b.input(shape, scale, zero))
    shapes = [b.shape(t)[:-2] for t in operands]
    ratio = spread / 50 * layers.power(rng, -1, 2) if rng.random() < 0.85 else layers.power(rng, -20, 30)
    scale = layers.f32(b.scale(operands[0]) * b.scale(operands[1]) * ratio)
    y = b.tensor((*np.broadcast_shapes(*shapes), rows, columns), scale, layers.zero_point(rng))
    b.op("BATCH_MATMUL", operands, [y], adjX=adjoint[0], adjY=adjoint[1])
    return y


NOT_IN_TFLM = {"REDUCE_PROD"}
GENERATORS: dict[str, Callable[[ModelBuilder, Generator], int | Sequence[int]]] = {
    "ARG_MAX": _arg("ARG_MAX"),
    "ARG_MIN": _arg("ARG_MIN"),
    "BATCH_MATMUL": _batch_matmul,
    "CUMSUM": _cumsum,
    "MEAN": _reduction("MEAN"),
    "REDUCE_MAX": _reduction("REDUCE_MAX"),
    "REDUCE_MIN": _reduction("REDUCE_MIN"),
    "REDUCE_PROD": _reduction("REDUCE_PROD"),
    "RESIZE_BILINEAR": _resize_bilinear,
    "SUM": _reduction("SUM"),
    "TRANSPOSE_CONV": _transpose_conv,
}

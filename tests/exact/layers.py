"""Random layers: each function adds one operator to a model, with options and scales drawn at random.

`x` is a tensor of the model that is built; the output's index is returned. Scales are drawn so that outputs
neither all saturate nor all vanish, except where extremes are wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np
from numpy.random import Generator

from tests.support.tflite_builder import ModelBuilder
from tinygen.ir import Array

Layer = Callable[[ModelBuilder, Generator, int], int]
SAME, VALID = 0, 1
_RELU_N1_TO_1, _RELU6 = 2, 3
STYLES = (*["fit"] * 8, "large", "large", "tiny", "boundary", "boundary", "ties", "ties", "saturating", "wrapping")


def f32(value: float) -> float:
    """Rounded to float32, as the file will have it."""
    return float(np.float32(value))


def power(rng: Generator, low: float, high: float) -> float:
    """Log-uniform: 2 to the power of low..high."""
    return f32(2.0 ** rng.uniform(low, high))


def scale_ratio(rng: Generator, usual: float) -> float:
    """Output scale / input scale: 2^-usual..2^usual; or so that inputs meet halves; or as far as it may go."""
    style = rng.random()
    if style < 0.3:
        return float(rng.integers(1, 128)) / (float(rng.integers(0, 100)) + 0.5)
    return power(rng, -29, 29) if style < 0.4 else power(rng, -usual, usual)


def rescaled(scale: float, ratio: float) -> float:
    """scale * ratio, within bounds: below 6 / 2^31, TFLM refuses RELU6, or computes nonsense."""
    return f32(min(max(scale * ratio, 1e-8), 1e12))


def zero_point(rng: Generator) -> int:
    edges = (-128, 127, 0, -1)
    return int(edges[rng.integers(4)] if rng.random() < 0.4 else rng.integers(-128, 128))


def model_input(b: ModelBuilder, rng: Generator, shape: tuple[int, ...]) -> int:
    scale = power(rng, -12, 4) if rng.random() < 0.7 else f32(2.0 ** rng.integers(-10, 3))
    return b.input(shape, scale, zero_point(rng))


def image(rng: Generator) -> tuple[int, ...]:
    """NHWC, up to 3 images."""
    return (int(rng.choice((1, 1, 1, 2, 3))), *(int(n) for n in rng.integers(1, 11, 2)), int(rng.integers(1, 10)))


def any_rank(rng: Generator) -> tuple[int, ...]:
    return tuple(int(n) for n in rng.integers(1, 8, rng.integers(1, 5)))


def activation(rng: Generator) -> int:
    """NONE, RELU, RELU_N1_TO_1 or RELU6; NONE as often as the others together."""
    return int(rng.integers(4)) if rng.random() < 0.67 else 0


def window_output(size: int, kernel: int, stride: int, dilation: int, padding: int) -> int:
    """How often a window fits, counted one by one."""
    if padding == SAME:
        return len(range(0, size, stride))
    return len([start for start in range(0, size, stride) if start + (kernel - 1) * dilation < size])


def _window(rng: Generator, size: int, padding: int) -> tuple[int, int, int]:
    """(kernel, stride, dilation) that fits `size` elements at least once."""
    stride = int(rng.integers(1, 4))
    dilation = int(rng.choice((1, 1, 1, 2, 3)))
    largest = 5 if padding == SAME else min(5, (size - 1) // dilation + 1)
    return int(rng.integers(1, largest + 1)), stride, dilation


def _weights(rng: Generator, shape: tuple[int, ...]) -> Array:
    """int8 weights: full range, tiny, extreme, or with filters of zeros."""
    style = rng.integers(5)
    if style == 0:
        return rng.integers(-1, 2, shape).astype(np.int8)
    if style == 1:
        return rng.choice(np.array([-128, -127, 127], np.int8), shape)
    values = rng.integers(-127, 128, shape).astype(np.int8)
    return values * (rng.random(shape[-1]) < 0.8).astype(np.int8) if style == 2 else values


def _real_multiplier(rng: Generator, style: str, typical: float) -> float:
    """What input scale x weight scale / output scale shall be; `typical` is the usual size of an accumulator."""
    if style == "large":
        return power(rng, 0, 8)
    if style == "tiny":
        return power(rng, -32, -16)
    if style == "boundary":
        return power(rng, -23, -19)
    if style == "ties":
        return float(2.0 ** -(max(0, round(np.log2(typical / 100))) + int(rng.integers(0, 3))))
    return f32(100 / typical * power(rng, -2, 0))


def _typical_accumulator(filters: Array, zero: int) -> float:
    """The usual size of a sum of products with random input; filters: (channels, taps)."""
    spread = 74 * np.sqrt((filters.astype(np.float64) ** 2).sum(axis=1))
    offset = np.abs((zero + 0.5) * filters.astype(np.float64).sum(axis=1))
    return float(np.mean(spread + offset)) + 1


def _biases(rng: Generator, style: str, weights: Array, axis: int, multipliers: Array, typical: float) -> Array | None:
    """int32 biases, or None; `multipliers` (channels,) is how the accumulators become outputs.

    "boundary" puts accumulators so near to where the output changes that all 31 bits of a multiplier count.
    """
    channels = weights.shape[axis]
    # as far out as the accumulator can go in the worst case without leaving int32
    reach = np.abs(np.moveaxis(weights, axis, 0).reshape(channels, -1).astype(np.int64)).sum(axis=1) * 256
    around = int(min(130 / multipliers.max(), 2.0**30) if style == "tiny" else typical)
    halves = (rng.integers(-60, 60, channels) + 0.5) / multipliers
    bias: Array = {
        "boundary": np.rint(np.clip(halves, -(2.0**30), 2.0**30)) + rng.integers(-8, 9, channels),
        "saturating": ((1 << 31) - 1 - reach) * rng.choice((-1, 1), channels),
        "wrapping": rng.choice((-(1 << 31), (1 << 31) - 1), channels),
    }.get(style, rng.integers(-around - 1, around + 2, channels))
    needed = style in ("boundary", "saturating", "wrapping", "tiny")
    return bias.astype(np.int32) if needed or rng.random() < 0.75 else None


def _weighted(
    b: ModelBuilder,
    rng: Generator,
    x: int,
    weights: Array,
    axis: int,
    shape: tuple[int, ...],
    styles: Sequence[str],
    absent: bool = True,
) -> tuple[list[int], int]:
    """Weights, bias and output of a layer with accumulators: ([x, weights, bias], output).

    A missing bias is left out, or, with `absent`, sometimes named as input -1.
    """
    style = str(rng.choice(styles))
    channels = weights.shape[axis]
    typical = _typical_accumulator(np.moveaxis(weights, axis, 0).reshape(channels, -1), b.zero_point(x))
    multiplier = _real_multiplier(rng, style, typical)
    output_scale = power(rng, -9, -3)
    scale = multiplier * output_scale / b.scale(x)
    scales = [f32(power(rng, -1, 1) * scale) for _ in range(channels if rng.random() < 0.7 else 1)]
    if style == "ties":
        scales, output_scale = [1.0] * len(scales), f32(b.scale(x) / multiplier)
    multipliers = np.broadcast_to(b.scale(x) * np.array(scales) / output_scale, channels)
    bias = _biases(rng, style, weights, axis, multipliers, typical)
    inputs = [x, b.constant(weights, scales, axis=axis)]
    if bias is not None:
        inputs.append(b.constant(bias, [f32(f32(b.scale(x)) * f32(s)) for s in scales]))
    elif absent and rng.random() < 0.5:
        inputs.append(-1)
    zero = zero_point(rng) if rng.random() < 0.5 else int(rng.integers(-64, 65))
    return inputs, b.tensor(shape, output_scale, zero)


def conv_2d(b: ModelBuilder, rng: Generator, x: int, styles: Sequence[str] = STYLES) -> int:
    n, h, w, c = b.shape(x)
    padding = int(rng.integers(2))
    (kh, sh, dh), (kw, sw, dw) = _window(rng, h, padding), _window(rng, w, padding)
    if rng.random() < 0.25:
        kh = kw = sh = sw = dh = dw = 1
    groups = int(rng.choice([g for g in range(1, c + 1) if c % g == 0])) if rng.random() < 0.3 else 1
    filters = groups * int(rng.integers(1, 9 if groups == 1 else 4))
    weights = _weights(rng, (filters, kh, kw, c // groups))
    shape = (n, window_output(h, kh, sh, dh, padding), window_output(w, kw, sw, dw, padding), filters)
    inputs, y = _weighted(b, rng, x, weights, 0, shape, styles)
    b.op(
        "CONV_2D",
        inputs,
        [y],
        padding=padding,
        strideH=sh,
        strideW=sw,
        dilationHFactor=dh,
        dilationWFactor=dw,
        fusedActivationFunction=activation(rng),
    )
    return y


def depthwise_conv_2d(b: ModelBuilder, rng: Generator, x: int, styles: Sequence[str] = STYLES) -> int:
    n, h, w, c = b.shape(x)
    padding, multiplier = int(rng.integers(2)), int(rng.choice((1, 1, 2, 3)))
    (kh, sh, dh), (kw, sw, dw) = _window(rng, h, padding), _window(rng, w, padding)
    shape = (n, window_output(h, kh, sh, dh, padding), window_output(w, kw, sw, dw, padding), c * multiplier)
    # TFLM crashes on a DEPTHWISE_CONV_2D whose bias is input -1
    inputs, y = _weighted(b, rng, x, _weights(rng, (1, kh, kw, c * multiplier)), 3, shape, styles, absent=False)
    b.op(
        "DEPTHWISE_CONV_2D",
        inputs,
        [y],
        padding=padding,
        strideH=sh,
        strideW=sw,
        dilationHFactor=dh,
        dilationWFactor=dw,
        depthMultiplier=multiplier,
        fusedActivationFunction=activation(rng),
    )
    return y


def fully_connected(b: ModelBuilder, rng: Generator, x: int, styles: Sequence[str] = STYLES) -> int:
    shape = b.shape(x)
    keep = bool(len(shape) > 1 and rng.random() < 0.4)
    depth = shape[-1] if keep or rng.random() < 0.5 else prod(shape[1:])
    outputs = int(rng.integers(1, 12))
    y_shape = (*shape[:-1], outputs) if keep else (prod(shape) // depth, outputs)
    inputs, y = _weighted(b, rng, x, _weights(rng, (outputs, depth)), 0, y_shape, styles)
    b.op("FULLY_CONNECTED", inputs, [y], keepNumDims=keep, fusedActivationFunction=activation(rng))
    return y


def add(b: ModelBuilder, rng: Generator, x: int, other: int | None = None) -> int:
    """ADD of x and `other` (a tensor that fits), or of x and a constant that may be broadcast, in either order."""
    scale = b.scale(x)
    if other is None:
        shape = [n if rng.random() < 0.6 else 1 for n in b.shape(x)]
        shape[0] = b.shape(x)[0] if len(shape) == 4 else shape[0]
        shape = shape[int(rng.integers(len(shape))) :] if len(shape) < 4 or shape[0] == 1 else shape
        other = b.constant(rng.integers(-128, 128, shape).astype(np.int8), scale * power(rng, -6, 6), zero_point(rng))
    return add_pair(b, rng, x, other)


def add_pair(b: ModelBuilder, rng: Generator, first: int, second: int) -> int:
    shape = np.broadcast_shapes(b.shape(first), b.shape(second))
    largest = max(b.scale(first), b.scale(second))
    y = b.tensor(shape, f32(largest * (2.0 if rng.random() < 0.2 else power(rng, -4, 5))), zero_point(rng))
    pair = [first, second] if rng.random() < 0.5 else [second, first]
    b.op("ADD", pair, [y], fusedActivationFunction=activation(rng))
    return y


def _pool(kind: str) -> Layer:
    def pool(b: ModelBuilder, rng: Generator, x: int) -> int:
        n, h, w, c = b.shape(x)
        padding = int(rng.integers(2))
        (kh, sh, _), (kw, sw, _) = (
            (min(k, size) if padding == VALID else k, s, d)
            for size in (h, w)
            for k, s, d in [_window(rng, size, padding)]
        )
        if rng.random() < 0.25:  # one window over all
            (kh, kw), padding = (h, w), VALID
        shape = (n, window_output(h, kh, sh, 1, padding), window_output(w, kw, sw, 1, padding), c)
        y = b.tensor(shape, b.scale(x), b.zero_point(x))
        b.op(
            kind,
            [x],
            [y],
            padding=padding,
            filterHeight=kh,
            filterWidth=kw,
            strideH=sh,
            strideW=sw,
            fusedActivationFunction=activation(rng),
        )
        return y

    return pool


average_pool_2d, max_pool_2d = _pool("AVERAGE_POOL_2D"), _pool("MAX_POOL_2D")


def mean(b: ModelBuilder, rng: Generator, x: int) -> int:
    n, _, _, c = b.shape(x)
    keep = bool(rng.integers(2))
    axes = [(1, 2), (2, 1), (-3, -2), (1, -2), (1, 2, 1)][rng.integers(5)]
    ratio = 1.0 if rng.random() < 0.3 else scale_ratio(rng, 5)
    y = b.tensor((n, 1, 1, c) if keep else (n, c), rescaled(b.scale(x), ratio), zero_point(rng))
    b.op("MEAN", [x, b.constant(np.array(axes, np.int32))], [y], keepDims=keep)
    return y


def pad(b: ModelBuilder, rng: Generator, x: int) -> int:
    shape = b.shape(x)
    amounts = rng.integers(0, 4, (len(shape), 2)) * (rng.random((len(shape), 1)) < 0.7)
    if len(shape) == 4:
        amounts[0] = 0
    y_shape = [size + int(a) + int(z) for size, (a, z) in zip(shape, amounts, strict=True)]
    same = rng.random() < 0.7
    y = b.tensor(y_shape, b.scale(x), b.zero_point(x) if same else zero_point(rng))
    b.op("PAD", [x, b.constant(amounts.astype(np.int32))], [y])
    return y


def reshape(b: ModelBuilder, rng: Generator, x: int) -> int:
    """To one of the shapes with as many elements; the shape stands in an input, in the options, or nowhere."""
    shape = b.shape(x)
    total = prod(shape)
    divisor = int(rng.choice([d for d in range(1, total + 1) if total % d == 0]))
    shapes = [(total,), (divisor, total // divisor), (1, divisor, 1, total // divisor), (1, total), shape]
    new = shapes[rng.integers(len(shapes))]
    y = b.tensor(new, b.scale(x), b.zero_point(x))
    where = rng.integers(3)
    inputs = [x, b.constant(np.array(new, np.int32))] if where == 0 else [x]
    b.op("RESHAPE", inputs, [y], newShape=list(new) if where == 1 else None)
    return y


def softmax(b: ModelBuilder, rng: Generator, x: int) -> int:
    """beta is drawn around 1 / input scale as often as not, so that the classes' scores spread."""
    lowest = 2.0**-26 / b.scale(x) * 1.01  # below, TFLM aborts
    beta = max((1.0, power(rng, -4, 4) / b.scale(x) / 30, power(rng, -30, 30))[rng.integers(3)], lowest)
    y = b.tensor(b.shape(x), 1 / 256, -128)
    b.op("SOFTMAX", [x], [y], beta=beta)
    return y


def relu(b: ModelBuilder, rng: Generator, x: int) -> int:
    y = b.tensor(b.shape(x), rescaled(b.scale(x), 1.0 if rng.random() < 0.3 else scale_ratio(rng, 4)), zero_point(rng))
    b.op("RELU", [x], [y])
    return y


def relu6(b: ModelBuilder, rng: Generator, x: int) -> int:
    y = b.tensor(b.shape(x), b.scale(x), b.zero_point(x))
    b.op("RELU6", [x], [y])
    return y


def quantize(b: ModelBuilder, rng: Generator, x: int) -> int:
    """From int8 (another scale) or from float32."""
    is_float = b.tensors[x].quantization is None
    ratio = (1.0, f32(2.0 ** rng.integers(-5, 6)), scale_ratio(rng, 5))[rng.integers(3)]
    y = b.tensor(b.shape(x), power(rng, -12, 6) if is_float else rescaled(b.scale(x), ratio), zero_point(rng))
    b.op("QUANTIZE", [x], [y])
    return y


def dequantize(b: ModelBuilder, rng: Generator, x: int) -> int:
    y = b.tensor(b.shape(x), dtype="float32")
    b.op("DEQUANTIZE", [x], [y])
    return y

"""Random layers as real models have them, and as the fast kernels of the sets want them: full tiles and what is left
over, whole and cut-off words, every way of padding, outputs clamped or not.

The generators of cases.py draw what is allowed; most of that is small and odd. GENERATORS here has the same form.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.random import Generator

from tests.exact import layers
from tests.exact.cases import Case, samples
from tests.support.tflite_builder import ModelBuilder
from tinygen.load.tflite import parse_tflite
from tinygen.verify import verify

_STYLES = ("fit", "fit", "fit", "boundary", "ties", "tiny")


def _size(rng: Generator, most: int) -> int:
    return int(rng.integers(1, most + 1))


def _weights(rng: Generator, shape: tuple[int, ...]) -> np.ndarray:
    """As converters make them, without -128; now and then only extremes."""
    if rng.random() < 0.2:
        return rng.choice(np.array([-127, 127, 0], np.int8), shape)
    return rng.integers(-127, 128, shape).astype(np.int8)


def _channels(rng: Generator) -> int:
    """A multiple of 4 as often as not."""
    return 4 * _size(rng, 6) if rng.random() < 0.5 else _size(rng, 21)


def _convolve(
    b: ModelBuilder, rng: Generator, x: int, weights: np.ndarray, stride: tuple[int, int], kind: str, dilation: int = 1
) -> int:
    """A convolution with these weights; VALID padding where the window fits, as often as SAME."""
    n, h, w, _ = b.shape(x)
    kh, kw = weights.shape[1:3]
    fits = (kh - 1) * dilation < h and (kw - 1) * dilation < w
    padding = layers.VALID if fits and rng.random() < 0.4 else layers.SAME
    axis = 3 if kind == "DEPTHWISE_CONV_2D" else 0
    shape = (
        n,
        layers.window_output(h, kh, stride[0], dilation, padding),
        layers.window_output(w, kw, stride[1], dilation, padding),
        weights.shape[axis],
    )
    inputs, y = layers._weighted(b, rng, x, weights, axis, shape, _STYLES, absent=kind == "CONV_2D")
    more = {"depthMultiplier": 1} if kind == "DEPTHWISE_CONV_2D" else {}
    b.op(
        kind,
        inputs,
        [y],
        padding=padding,
        strideH=stride[0],
        strideW=stride[1],
        dilationHFactor=dilation,
        dilationWFactor=dilation,
        fusedActivationFunction=layers.activation(rng),
        **more,
    )
    return y


def _image(b: ModelBuilder, rng: Generator, channels: int, most: int = 12) -> int:
    images = 2 if rng.random() < 0.15 else 1
    return layers.model_input(b, rng, (images, _size(rng, most), _size(rng, most), channels))


def _conv_2d(b: ModelBuilder, rng: Generator) -> int:
    style = rng.integers(8)
    stride = (_size(rng, 2), _size(rng, 2))
    if style > 5:  # over time
        x = layers.model_input(b, rng, (1, _size(rng, 30), 1, _channels(rng)))
        weights = _weights(rng, (_size(rng, 12), _size(rng, 6), 1, b.shape(x)[3]))
        return _convolve(b, rng, x, weights, (stride[0], 1), "CONV_2D", int(rng.choice([1, 1, 2, 4])))
    if style == 0:
        x = _image(b, rng, _size(rng, 70))
        return _convolve(b, rng, x, _weights(rng, (_size(rng, 20), 1, 1, b.shape(x)[3])), (1, 1), "CONV_2D")
    if style == 1:
        x = _image(b, rng, 3)
        return _convolve(b, rng, x, _weights(rng, (_size(rng, 12), 3, 3, 3)), stride, "CONV_2D")
    if style > 3:
        x = _image(b, rng, 16 * _size(rng, 2), 9)
        return _convolve(b, rng, x, _weights(rng, (4 * _size(rng, 3), 3, 3, b.shape(x)[3])), (1, 1), "CONV_2D")
    x = _image(b, rng, _channels(rng))
    window = (3, 3) if style == 2 else (_size(rng, 6), _size(rng, 4))
    dilation = 2 if rng.random() < 0.2 else 1
    weights = _weights(rng, (_size(rng, 12), *window, b.shape(x)[3]))
    return _convolve(b, rng, x, weights, stride, "CONV_2D", dilation)


def _depthwise(b: ModelBuilder, rng: Generator) -> int:
    style = rng.integers(6)
    channels = 4 * _size(rng, 3)
    both = _size(rng, 2)
    if style < 4:
        x = _image(b, rng, channels, 34)
        return _convolve(b, rng, x, _weights(rng, (1, 3, 3, channels)), (both, both), "DEPTHWISE_CONV_2D")
    window = (_size(rng, 10), 1) if style == 4 else (_size(rng, 5), _size(rng, 5))
    x = _image(b, rng, channels)
    return _convolve(b, rng, x, _weights(rng, (1, *window, channels)), (both, 1), "DEPTHWISE_CONV_2D")


def _fully_connected(b: ModelBuilder, rng: Generator) -> int:
    rows, depth, outputs = _size(rng, 3), _size(rng, 200), _size(rng, 20)
    depth = depth if rng.random() < 0.5 else 4 * depth
    x = layers.model_input(b, rng, (rows, depth))
    inputs, y = layers._weighted(b, rng, x, _weights(rng, (outputs, depth)), 0, (rows, outputs), _STYLES)
    b.op("FULLY_CONNECTED", inputs, [y], keepNumDims=False, fusedActivationFunction=layers.activation(rng))
    return y


def _sum(kind: str) -> Callable[[ModelBuilder, Generator], int]:
    def make(b: ModelBuilder, rng: Generator) -> int:
        shape = layers.image(rng)
        first = layers.model_input(b, rng, shape)
        ratio = 1.0 if rng.random() < 0.25 else layers.power(rng, -5, 5)
        second = b.input(shape, layers.f32(b.scale(first) * ratio), layers.zero_point(rng))
        largest = max(b.scale(first), b.scale(second))
        y = b.tensor(shape, layers.f32(largest * layers.power(rng, -2, 2)), layers.zero_point(rng))
        b.op(kind, [first, second], [y], fusedActivationFunction=layers.activation(rng))
        return y

    return make


def _average_pool(b: ModelBuilder, rng: Generator) -> int:
    """Of all of an image, also one of more than 256 columns, as often as of small windows."""
    shape = (1, _size(rng, 4), _size(rng, 600) if rng.random() < 0.3 else _size(rng, 9), 4 * _size(rng, 3))
    x = layers.model_input(b, rng, shape)
    if rng.random() < 0.5:
        return layers.average_pool_2d(b, rng, x)
    y = b.tensor((1, 1, 1, shape[3]), b.scale(x), b.zero_point(x))
    window = {"filterHeight": shape[1], "filterWidth": shape[2], "strideH": shape[1], "strideW": shape[2]}
    b.op("AVERAGE_POOL_2D", [x], [y], padding=1, fusedActivationFunction=layers.activation(rng), **window)
    return y


def _max_pool(b: ModelBuilder, rng: Generator) -> int:
    return layers.max_pool_2d(b, rng, _image(b, rng, 4 * _size(rng, 4)))


def _mul(b: ModelBuilder, rng: Generator) -> int:
    """Of images, one of which may be one row, one column, or one pixel."""
    shape = layers.image(rng)
    repeated = [n if rng.random() < 0.7 else 1 for n in shape[1:3]]
    first = layers.model_input(b, rng, shape)
    second = b.input((shape[0], *repeated, shape[3]), layers.power(rng, -8, 2), layers.zero_point(rng))
    product = b.scale(first) * b.scale(second)
    y = b.tensor(shape, layers.f32(product * layers.power(rng, 1, 9)), layers.zero_point(rng))
    pair = [first, second] if rng.random() < 0.5 else [second, first]
    b.op("MUL", pair, [y], fusedActivationFunction=layers.activation(rng))
    return y


def _mean(b: ModelBuilder, rng: Generator) -> int:
    return layers.mean(b, rng, layers.model_input(b, rng, (1, _size(rng, 4), _size(rng, 300), 4 * _size(rng, 3))))


def _softmax(b: ModelBuilder, rng: Generator) -> int:
    """With tables that have an end and such as have none; two and more classes of the same score."""
    scale = layers.power(rng, -8, 1)
    return layers.softmax(b, rng, b.input((_size(rng, 4), _size(rng, 150)), scale, layers.zero_point(rng)))


GENERATORS: dict[str, Callable[[ModelBuilder, Generator], int]] = {
    "ADD": _sum("ADD"),
    "AVERAGE_POOL_2D": _average_pool,
    "CONV_2D": _conv_2d,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _fully_connected,
    "MAX_POOL_2D": _max_pool,
    "MEAN": _mean,
    "MUL": _mul,
    "SOFTMAX": _softmax,
    "SUB": _sum("SUB"),
}


@cache
def fast_cases(kind: str, count: int) -> tuple[Case, ...]:
    """The first `count` cases of an operator, the same on every machine."""
    return tuple(_case(kind, index) for index in range(count))


def _case(kind: str, index: int) -> Case:
    rng = np.random.default_rng([zlib.crc32(b"fast " + kind.encode()), index])
    b = ModelBuilder()
    content = b.build([GENERATORS[kind](b, rng)])
    name = f"fast_{kind.lower()}_{index}"
    graph = verify(parse_tflite(content, name, name))
    return Case(kind, name, content, graph, samples(graph, rng))

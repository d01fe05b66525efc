"""Random graphs of several layers: chains with branches that meet again, two inputs, two outputs."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.random import Generator

from tests.exact import layers
from tests.exact.cases import NIGHTLY, Case, samples
from tests.support.tflite_builder import ModelBuilder
from tinygen import reference
from tinygen.load.tflite import parse_tflite
from tinygen.verify import verify

COUNT = 400 if NIGHTLY else 40
_FIT = ("fit",)  # else everything has saturated after two layers
_BODY: tuple[layers.Layer, ...] = (
    partial(layers.conv_2d, styles=_FIT),
    partial(layers.conv_2d, styles=_FIT),
    partial(layers.depthwise_conv_2d, styles=_FIT),
    layers.average_pool_2d,
    layers.max_pool_2d,
    layers.pad,
    layers.relu,
    layers.relu6,
    layers.quantize,
    layers.add,
)
_LARGEST = 3000  # elements of a tensor; PAD and depth multipliers would let them grow


def networks(count: int = COUNT) -> tuple[Case, ...]:
    """The first `count` networks, the same on every machine; `kind` of the Case is NETWORK."""
    return tuple(_network(index) for index in range(count))


def _network(index: int) -> Case:
    """The first of a few drawn networks whose answers vary: deep ones like to saturate."""
    drawn = (_draw(index, attempt) for attempt in range(30))
    return next((case for case in drawn if answers(case) > 3), _draw(index, 0))


def answers(case: Case) -> int:
    """How many different values the last output takes over two samples."""
    return len(np.unique([reference.run(case.graph, sample)[-1] for sample in case.samples[:2]]))


def _draw(index: int, attempt: int) -> Case:
    rng = np.random.default_rng([2024, index, attempt])
    b = ModelBuilder()
    images = int(rng.choice((1, 1, 1, 2)))
    shape = (images, *(int(n) for n in rng.integers(4, 14, 2)), int(rng.integers(1, 6)))
    x = b.input(shape, layers.power(rng, -8, 0), layers.zero_point(rng))
    if index % 3 == 0:
        x = layers.add_pair(b, rng, x, b.input(shape, layers.power(rng, -8, 0), layers.zero_point(rng)))
    outputs: list[int] = []
    for _ in range(int(rng.integers(2, 7))):
        x = _residual(b, rng, x) if rng.random() < 0.3 else _one_layer(b, rng, x)
        if not outputs and rng.random() < 0.15:
            outputs.append(x)  # read by the application and by the next layer
    if index % 4 == 0:
        outputs.append(layers.dequantize(b, rng, x))
    outputs.append(_head(b, rng, x))
    content = b.build(list(dict.fromkeys(outputs)))
    graph = verify(parse_tflite(content, f"network_{index}", "network"))
    return Case("NETWORK", graph.name, content, graph, samples(graph, rng))


def _one_layer(b: ModelBuilder, rng: Generator, x: int) -> int:
    y = _BODY[rng.integers(len(_BODY))](b, rng, x)
    if int(np.prod(b.shape(y))) > _LARGEST:
        y = layers.max_pool_2d(b, rng, y)
    return y


def _residual(b: ModelBuilder, rng: Generator, x: int) -> int:
    """x + branch(x): two layers that keep the shape lie between, so x lives on beside them."""
    first = layers.relu(b, rng, x)
    second = layers.quantize(b, rng, first)
    return layers.add_pair(b, rng, x, second if rng.random() < 0.7 else x)


def _head(b: ModelBuilder, rng: Generator, x: int) -> int:
    style = rng.integers(4)
    if style == 0:
        return x if b.shape(x) and rng.random() < 0.2 else layers.mean(b, rng, x)
    y = layers.fully_connected(b, rng, layers.reshape(b, rng, x), styles=_FIT)
    return layers.softmax(b, rng, y) if style > 1 and b.shape(y)[-1] < 512 else y

"""The one list of random cases per operator: it feeds the comparison TFLM = numpy = C, the sanitizer runs, the
row-block and ring runs and the compilation for every core.

Case i of an operator is the same on every machine. TINYGEN_NIGHTLY=1 makes many more of them.
"""

from __future__ import annotations

import importlib
import os
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator

from tests.exact import layers
from tests.support.tflite_builder import ModelBuilder
from tinygen.ir import Array, DType, Graph, Tensor
from tinygen.load.tflite import parse_tflite
from tinygen.ops import operator_for
from tinygen.verify import verify

NIGHTLY = "TINYGEN_NIGHTLY" in os.environ
COUNT = 600 if NIGHTLY else 64
FORM_COUNT = 600 if NIGHTLY else 22  # of int16, int32 and float32, whose cases are mostly those of int8 in another type
# of samples; "tilted" has another mean in every channel
STYLES = ("random", "tilted", "lowest", "highest", "zero", "extremes", "near zero")


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A model of one operator with the samples to run through it; `name` is a C identifier."""

    kind: str
    name: str
    tflite: bytes
    graph: Graph
    samples: tuple[tuple[Array, ...], ...]

    def __str__(self) -> str:
        op = self.graph.ops[0]
        tensors = [self.graph.input(op, i) for i in range(len(op.inputs))] + [self.graph.output(op)]
        seen = [f"{t.shape} {t.dtype.value} scale {t.scale:g} zero {t.zero_point}" for t in tensors if t is not None]
        return f"{self.name}: {op.options} on {'; '.join(seen)}"


def _on(shape: Callable[[Generator], tuple[int, ...]], layer: layers.Layer) -> Callable[[ModelBuilder, Generator], int]:
    return lambda b, rng: layer(b, rng, layers.model_input(b, rng, shape(rng)))


def _add(b: ModelBuilder, rng: Generator) -> int:
    """Two inputs of the same shape or broadcast, or an input and a constant."""
    shape = layers.image(rng) if rng.random() < 0.6 else layers.any_rank(rng)
    x = layers.model_input(b, rng, shape)
    style = rng.integers(3)
    if style == 0:
        return layers.add(b, rng, x)
    keep_images = len(shape) == 4
    smaller = tuple(
        n if style == 1 or (i == 0 and keep_images) or rng.random() < 0.6 else 1 for i, n in enumerate(shape)
    )
    scale = layers.f32(b.scale(x) * layers.power(rng, -8, 8))
    return layers.add_pair(b, rng, x, b.input(smaller, scale, layers.zero_point(rng)))


def _fully_connected(b: ModelBuilder, rng: Generator) -> int:
    shape = (layers.any_rank(rng), (1, int(rng.integers(1, 300))), (int(rng.integers(1, 6)), int(rng.integers(1, 40))))
    return layers.fully_connected(b, rng, layers.model_input(b, rng, shape[rng.integers(3)]))


def _softmax(b: ModelBuilder, rng: Generator) -> int:
    # from 512 classes on TFLM aborts when many of them tie
    shape = layers.any_rank(rng) if rng.random() < 0.7 else (int(rng.integers(1, 3)), int(rng.integers(100, 512)))
    scale = (layers.power(rng, -8, 1), layers.power(rng, -24, 20))[rng.integers(2)]
    return layers.softmax(b, rng, b.input(shape, scale, layers.zero_point(rng)))


def _quantize(b: ModelBuilder, rng: Generator) -> int:
    shape = layers.any_rank(rng)
    is_float = rng.random() < 0.5
    return layers.quantize(
        b, rng, b.input(shape, None, dtype="float32") if is_float else layers.model_input(b, rng, shape)
    )


def _mean(b: ModelBuilder, rng: Generator) -> int:
    n, _, _, c = layers.image(rng)
    return layers.mean(b, rng, layers.model_input(b, rng, (n, *(int(s) for s in rng.integers(1, 40, 2)), c)))


GENERATORS: dict[str, Callable[[ModelBuilder, Generator], int | Sequence[int]]] = {
    "ADD": _add,
    "AVERAGE_POOL_2D": _on(layers.image, layers.average_pool_2d),
    "CONV_2D": _on(layers.image, layers.conv_2d),
    "DEPTHWISE_CONV_2D": _on(layers.image, layers.depthwise_conv_2d),
    "DEQUANTIZE": _on(layers.any_rank, layers.dequantize),
    "FULLY_CONNECTED": _fully_connected,
    "MAX_POOL_2D": _on(layers.image, layers.max_pool_2d),
    "MEAN": _mean,
    "PAD": _on(layers.any_rank, layers.pad),
    "QUANTIZE": _quantize,
    "RELU": _on(layers.any_rank, layers.relu),
    "RELU6": _on(layers.any_rank, layers.relu6),
    "RESHAPE": _on(layers.any_rank, layers.reshape),
    "SOFTMAX": _softmax,
}


# operators without an int8 kernel in TFLM: numpy = C, and each group's tests judge numpy
NOT_IN_TFLM: set[str] = set()
# operators that are another view of their input's memory: no kernel call
ALIASES = {"RESHAPE", "SQUEEZE", "EXPAND_DIMS"}
# operators that have no rows to be cut or put into rings: these, and the copy of a whole tensor to a variable
WHOLE = ALIASES | {"ASSIGN_VARIABLE"}

# an operator's own values of an input, made from (graph, tensor, the values drawn for every operator, style, rng)
VALUES: dict[str, Callable[[Graph, Tensor, Array, str, Generator], Array]] = {}

# more of them: every file generators_*.py beside this one has a table GENERATORS, and may have NOT_IN_TFLM and VALUES
for _file in sorted(Path(__file__).parent.glob("generators_*.py")):
    _module = importlib.import_module(f"tests.exact.{_file.stem}")
    GENERATORS.update(_module.GENERATORS)
    NOT_IN_TFLM |= getattr(_module, "NOT_IN_TFLM", set())
    VALUES.update(getattr(_module, "VALUES", {}))


def cases(kind: str, count: int | None = None) -> tuple[Case, ...]:
    """The first `count` cases of an operator, or of one of its forms ("ADD int16"); by default COUNT or FORM_COUNT."""
    usual = FORM_COUNT if " " in kind else COUNT
    return tuple(_case(kind, index) for index in range(usual if count is None else count))


def _case(kind: str, index: int) -> Case:
    rng = np.random.default_rng([zlib.crc32(kind.encode()), index])
    b = ModelBuilder()
    made = GENERATORS[kind](b, rng)
    content = b.build([made] if isinstance(made, int) else made)
    name = f"{kind.lower().replace(' ', '_')}_{index}"
    graph = verify(parse_tflite(content, name, name))
    return Case(kind, name, content, graph, samples(graph, rng))


def samples(graph: Graph, rng: Generator) -> tuple[tuple[Array, ...], ...]:
    """One sample of each style."""
    op = graph.ops[0]
    form = operator_for(graph, op).dtype
    own = VALUES.get(op.kind if form is DType.INT8 else f"{op.kind} {form.value}")

    def values(tensor: Tensor, style: str) -> Array:
        drawn = _values(graph, tensor, style, rng)
        return own(graph, tensor, drawn, style, rng) if own else drawn

    return tuple(tuple(values(graph.tensors[i], style) for i in graph.inputs) for style in STYLES)


def _values(graph: Graph, tensor: Tensor, style: str, rng: Generator) -> Array:
    shape = tensor.shape
    if tensor.dtype is DType.BOOL:
        bits: Array = rng.random(shape) < {"lowest": 0, "highest": 1, "zero": 0}.get(style, 0.5)
        return bits
    if tensor.dtype is DType.FLOAT32:
        return _floats(graph.output(graph.ops[0]).scale or 1.0, shape, style, rng)
    low, high = int(np.iinfo(tensor.dtype.value).min), int(np.iinfo(tensor.dtype.value).max)
    values = {
        "random": rng.integers(low, high, shape, endpoint=True),
        "lowest": np.full(shape, low),
        "highest": np.full(shape, high),
        "zero": np.full(shape, tensor.zero_point),
        "extremes": rng.choice((low, high), shape),
        "tilted": np.clip(_tilted(shape, rng) * (256 if tensor.dtype is DType.INT16 else 1), low, high),
        "near zero": np.clip(tensor.zero_point + rng.integers(-3, 4, shape), low, high),
    }
    array: Array = values[style].astype(tensor.dtype.value)
    return array


def _tilted(shape: tuple[int, ...], rng: Generator) -> Array:
    tilted: Array = rng.integers(-120, 121, shape[-1:]) + rng.integers(-20, 21, shape)
    return tilted


def _floats(scale: float, shape: tuple[int, ...], style: str, rng: Generator) -> Array:
    """float32 around the steps of `scale`: exact, halves, between, far outside."""
    steps = rng.integers(-300, 301, shape)
    values = {
        "random": rng.normal(0, 60, shape),
        "lowest": np.full(shape, -1e6),
        "highest": np.full(shape, 1e6),
        "zero": rng.choice((0.0, -0.0, 1e-30, -1e-38), shape),
        "extremes": steps + 0.5,
        "tilted": steps + 0.25,
        "near zero": np.nextafter((steps + 0.5).astype(np.float32), np.float32(0)),
    }
    array: Array = (values[style].astype(np.float32) * np.float32(scale)).astype(np.float32)
    return array

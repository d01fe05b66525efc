"""Random cases of int16 activations with int8 weights, TFLite's 16x8 mode.

Most are the cases of int8, built through a `Wide`: data become int16 with 1/256 of the scale, biases int64.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.random import Generator

from tests.exact import generators_binary, generators_heavy, layers
from tests.support.tflite_builder import ModelBuilder
from tinygen.errors import TinygenError
from tinygen.ir import Array, Graph, Tensor
from tinygen.load.tflite import parse_tflite
from tinygen.verify import verify

Layer = Callable[[ModelBuilder, Generator], int | Sequence[int]]
INT32, INT64 = schema.TensorType.INT32, schema.TensorType.INT64


class Wide(ModelBuilder):
    """A builder that takes int8 to int16: to who draws a case it looks like int8 with the zero point 0.

    Scales are 1/256 of those asked for. int32 constants with a scale are biases and become int64 (`narrow`: stay
    int32), times 256 and with random lower bits. int8 constants become int16 unless they are `weights`.
    """

    def __init__(self, inner: ModelBuilder, rng: Generator, weights: bool = False, narrow: bool = False) -> None:
        self.__dict__ = inner.__dict__  # the same model
        self._inner, self._rng, self._weights, self._narrow = inner, rng, weights, narrow

    def tensor(
        self, shape: Sequence[int], scale: Any = None, zero_point: int = 0, dtype: str = "int8", **more: Any
    ) -> int:
        if dtype == "int8" and scale is not None:
            return self._inner.tensor(shape, np.asarray(scale) / 256, 0, "int16", **more)
        return self._inner.tensor(shape, scale, zero_point, dtype, **more)

    def input(self, shape: Sequence[int], scale: float | None, zero_point: int = 0, dtype: str = "int8") -> int:
        index = self.tensor(shape, scale, zero_point, dtype, name=f"input_{len(self.inputs)}")
        self.inputs.append(index)
        return index

    def constant(self, values: Array, scale: Any = None, zero_point: int = 0, **more: Any) -> int:
        if scale is not None and values.dtype == np.int32:
            low = self._rng.integers(0, 256, values.shape)
            wide = values.astype(np.int64) if self._narrow else values.astype(np.int64) * 256 + low
            return self._inner.constant(
                wide.astype(np.int32 if self._narrow else np.int64), np.asarray(scale) / 256, **more
            )
        if scale is not None and values.dtype == np.int8 and not self._weights:
            wide = values.astype(np.int64) * 256 + self._rng.integers(0, 256, values.shape)
            return self._inner.constant(np.asarray(wide.astype(np.int16)), np.asarray(scale) / 256, **more)
        return self._inner.constant(values, scale, zero_point, **more)

    def scale(self, index: int) -> float:
        return 256 * self._inner.scale(index)

    def zero_point(self, index: int) -> int:
        return 0


def _accepted(layer: Layer) -> Layer:
    """The first of a few cases whose scales the operator takes: int16 leaves less room for shifts than int8."""

    def drawn(b: ModelBuilder, rng: Generator) -> int | Sequence[int]:
        for _ in range(20):
            attempt = ModelBuilder()
            made = layer(attempt, rng)
            try:
                verify(parse_tflite(attempt.build([made] if isinstance(made, int) else made), "drawn", "drawn"))
            except TinygenError:
                continue
            b.__dict__.update(attempt.__dict__)
            return made
        raise AssertionError("no case in 20 that is not refused")

    return drawn


def _as_int8(layer: Layer) -> Layer:
    """The case of int8, widened."""
    return _accepted(lambda b, rng: layer(Wide(b, rng), rng))


def _weighted(layer: Layer, narrow: bool) -> Layer:
    """A layer with int8 weights; where the kernel has it, sums of 32 bits now and then."""

    def widened(b: ModelBuilder, rng: Generator) -> int | Sequence[int]:
        int32_sums = narrow and bool(rng.random() < 0.3)
        made = layer(Wide(b, rng, weights=True, narrow=int32_sums), rng)
        if narrow:
            b._ops[-1].builtinOptions.quantizedBiasType = INT32 if int32_sums else INT64
        return made

    return _accepted(widened)


def _on(shape: Callable[[Generator], tuple[int, ...]], layer: layers.Layer) -> Layer:
    return lambda b, rng: layer(b, rng, layers.model_input(b, rng, shape(rng)))


def _fully_connected(b: ModelBuilder, rng: Generator) -> int:
    shape = (layers.any_rank(rng), (1, int(rng.integers(1, 700))), (int(rng.integers(2, 6)), int(rng.integers(1, 40))))
    chosen = shape[rng.choice(3, p=(0.35, 0.15, 0.5))]
    return layers.fully_connected(b, rng, layers.model_input(b, rng, chosen))


def _add(b: ModelBuilder, rng: Generator) -> int:
    return generators_binary._activated("ADD", generators_binary._sub_scale)(b, rng)


def _unary(kind: str, scales: Callable[[Generator], tuple[float, float]], **options: object) -> Layer:
    """An operator on int16 of any rank; `scales` draws the input's and the output's."""

    def layer(b: ModelBuilder, rng: Generator) -> int:
        scale, output_scale = (layers.f32(s) for s in scales(rng))
        shape = (int(rng.integers(1000, 3000)),) if rng.random() < 0.2 else layers.any_rank(rng)
        x = b.input(shape, scale, dtype="int16")
        y = b.tensor(shape, output_scale, dtype="int16")
        b.op(kind, [x], [y], **{key: value(rng) if callable(value) else value for key, value in options.items()})
        return y

    return _accepted(layer)


def _lines(rng: Generator) -> tuple[float, float]:
    """Scales whose quotient is 1, near 1, an odd half, or far out."""
    scale = layers.power(rng, -20, -8)
    return scale, scale * (1.0 if rng.random() < 0.2 else layers.scale_ratio(rng, 3))


def _relu6_scales(rng: Generator) -> tuple[float, float]:
    scale = layers.power(rng, -12.4, -6)  # below, 6 is beyond int16
    return scale, scale


def _sigmoid_scales(rng: Generator) -> tuple[float, float]:
    """Powers of two that TFLM knows, and some beside them; inputs that reach everywhere in the table."""
    power = float(2.0 ** rng.integers(-16, -9))
    style = rng.random()
    scale = power if style < 0.3 else power * 1.0005 if style < 0.4 else layers.power(rng, -36, 1)
    return (layers.power(rng, -15, -9) if style > 0.7 else scale), 2.0**-15


def _real_scales(kind: str) -> Callable[[Generator], tuple[float, float]]:
    """An output scale with which the function does not saturate at once."""

    def scales(rng: Generator) -> tuple[float, float]:
        scale = layers.power(rng, -19, -11)
        highest = 32767 * scale
        reach = {"EXP": np.exp(min(highest, 30)), "LOG": max(abs(np.log(highest)), 1), "GELU": highest}[kind]
        return scale, float(reach) / 32767 * layers.power(rng, -1, 1)

    return scales


def _rsqrt_scales(rng: Generator) -> tuple[float, float]:
    scale = layers.power(rng, -20, -8)
    return scale, float(scale**-0.5 / 32767 * layers.power(rng, -1, 6))


def _quantize(b: ModelBuilder, rng: Generator) -> int:
    """Between int8 and int16, int16 to itself, and from float32."""
    source, target = (("int8", "int16"), ("int16", "int8"), ("int16", "int16"), ("float32", "int16"))[rng.integers(4)]
    shape = layers.any_rank(rng)
    step = {"int8": 256.0, "int16": 1.0, "float32": 1.0}
    real = layers.power(rng, -18, -8)
    scale = layers.f32(real * step[source])
    ratio = 1.0 if rng.random() < 0.2 else layers.scale_ratio(rng, 3)
    zero = {"int8": layers.zero_point(rng)}
    x = b.input(shape, None if source == "float32" else scale, zero.get(source, 0), source)
    y = b.tensor(shape, layers.f32(real * step[target] * ratio), zero.get(target, 0), target)
    b.op("QUANTIZE", [x], [y])
    return y


def _dequantize(b: ModelBuilder, rng: Generator) -> int:
    x = b.input(layers.any_rank(rng), layers.power(rng, -30, 10), dtype="int16")
    y = b.tensor(b.shape(x), dtype="float32")
    b.op("DEQUANTIZE", [x], [y])
    return y


def _softmax(b: ModelBuilder, rng: Generator) -> int:
    shape = layers.any_rank(rng) if rng.random() < 0.7 else (int(rng.integers(1, 3)), int(rng.integers(100, 2000)))
    x = b.input(shape, layers.power(rng, -24, 0), dtype="int16")
    y = b.tensor(shape, 2.0**-15 * float(rng.choice((1.0, 1.0005))), dtype="int16")
    b.op("SOFTMAX", [x], [y], beta=1.0 if rng.random() < 0.5 else layers.power(rng, -2, 2))
    return y


def _reduce_prod(b: ModelBuilder, rng: Generator) -> int:
    shape = tuple(int(n) for n in rng.integers(1, 7, rng.integers(2, 5)))
    axes = [i for i in range(len(shape)) if rng.random() < 0.25] or [0]
    x = b.input(shape, layers.power(rng, -20, -4), 0, "int16")
    count = int(np.prod([shape[i] for i in axes]))
    scale = generators_heavy.of_products(rng, b.scale(x), count, 32767)
    y = b.tensor([n for i, n in enumerate(shape) if i not in axes], scale, 0, "int16")
    b.op("REDUCE_PROD", [x, b.constant(np.array(axes, np.int32))], [y], keepDims=False)
    return y


_BINARY, _HEAVY = generators_binary.GENERATORS, generators_heavy.GENERATORS
GENERATORS: dict[str, Layer] = {
    "ABS int16": _unary("ABS", _lines),
    "ADD int16": _as_int8(_add),
    "AVERAGE_POOL_2D int16": _as_int8(_on(layers.image, layers.average_pool_2d)),
    "BATCH_MATMUL int16": _as_int8(_HEAVY["BATCH_MATMUL"]),
    "CONV_2D int16": _weighted(_on(layers.image, layers.conv_2d), narrow=True),
    "DEQUANTIZE int16": _dequantize,
    "EXP int16": _unary("EXP", _real_scales("EXP")),
    "GELU int16": _unary("GELU", _real_scales("GELU"), approximate=lambda rng: bool(rng.integers(2))),
    "LEAKY_RELU int16": _unary("LEAKY_RELU", _lines, alpha=lambda rng: float(rng.choice((0.1, 0.3, -0.2, 1.5, 0.0)))),
    "LOG int16": _unary("LOG", _real_scales("LOG")),
    "LOGISTIC int16": _unary("LOGISTIC", _sigmoid_scales),
    "QUANTIZE int16": _accepted(_quantize),
    "RELU int16": _unary("RELU", _lines),
    "RELU6 int16": _unary("RELU6", _relu6_scales),
    "RSQRT int16": _unary("RSQRT", _rsqrt_scales),
    "SOFTMAX int16": _accepted(_softmax),
    "TANH int16": _unary("TANH", _sigmoid_scales),
    "DEPTHWISE_CONV_2D int16": _weighted(_on(layers.image, layers.depthwise_conv_2d), narrow=False),
    "FULLY_CONNECTED int16": _weighted(_fully_connected, narrow=True),
    "MAXIMUM int16": _as_int8(_BINARY["MAXIMUM"]),
    "MAX_POOL_2D int16": _as_int8(_on(layers.image, layers.max_pool_2d)),
    "MEAN int16": _as_int8(_HEAVY["MEAN"]),
    "MINIMUM int16": _as_int8(_BINARY["MINIMUM"]),
    "MUL int16": _as_int8(_BINARY["MUL"]),
    "REDUCE_MAX int16": _as_int8(_HEAVY["REDUCE_MAX"]),
    "REDUCE_MIN int16": _as_int8(_HEAVY["REDUCE_MIN"]),
    "REDUCE_PROD int16": _reduce_prod,
    "RESIZE_BILINEAR int16": _as_int8(_HEAVY["RESIZE_BILINEAR"]),
    "SQUARED_DIFFERENCE int16": _as_int8(_BINARY["SQUARED_DIFFERENCE"]),
    "SUB int16": _as_int8(_BINARY["SUB"]),
    "SUM int16": _as_int8(_HEAVY["SUM"]),
    "TRANSPOSE_CONV int16": _weighted(_HEAVY["TRANSPOSE_CONV"], narrow=False),
}

# the formulas that these are judged by stand in test_int16.py
NOT_IN_TFLM = {
    *("EXP int16", "GELU int16", "LOG int16", "REDUCE_MAX int16", "REDUCE_MIN int16", "REDUCE_PROD int16"),
    "RESIZE_BILINEAR int16",
}


def _rsqrt_values(graph: Graph, tensor: Tensor, values: Array, style: str, rng: Generator) -> Array:
    """TFLM stops at negative inputs of RSQRT."""
    return np.asarray(np.maximum(values, tensor.zero_point).astype(values.dtype))


VALUES = dict.fromkeys(("RSQRT", "RSQRT int16"), _rsqrt_values)

"""Random cases of the unary operators, of PRELU, LOG_SOFTMAX and L2_NORMALIZATION."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from tests.exact import layers
from tests.exact.layers import f32, power, zero_point
from tests.support.tflite_builder import ModelBuilder

# for these TFLM has no int8 kernel: tests/exact/test_unary.py judges them
NOT_IN_TFLM = {
    "CEIL",
    "COS",
    "EXP",
    "FLOOR",
    "GELU",
    "LOG",
    "NEG",
    "RELU_0_TO_1",
    "RELU_N1_TO_1",
    "ROUND",
    "SIN",
    "SQRT",
    "SQUARE",
}

Quantization = tuple[float, int]
Draw = Callable[[Generator, float], Quantization]


def unary(
    kind: str, low: float, high: float, output: Draw, option: Callable[[Generator], dict[str, object]] | None = None
) -> Callable[[ModelBuilder, Generator, tuple[int, ...]], int]:
    """`kind` from an input whose scale is 2 to the power of low..high; `output` draws from the input's scale."""

    def make(b: ModelBuilder, rng: Generator, shape: tuple[int, ...]) -> int:
        scale = power(rng, low, high)
        # TFLM's inference ends with an error at the root of a negative number; test_unary.py sees to these
        from_zero = kind == "RSQRT" or (kind in ("SQRT", "LOG") and rng.random() < 0.6)
        x = b.input(shape, scale, -128 if from_zero else zero_point(rng))
        y = b.tensor(shape, *output(rng, scale))
        b.op(kind, [x], [y], **(option(rng) if option else {}))
        return y

    return make


def fixed(scale: float, zero: int) -> Draw:
    return lambda rng, _: (scale, zero)


def relative(low: float, high: float, wide: float = 0.0, exponent: float = 1.0) -> Draw:
    """Output scale = input scale ** exponent times a power of two; beyond low..high by `wide` now and then."""

    def draw(rng: Generator, scale: float) -> Quantization:
        more = wide if rng.random() < 0.3 else 0.0
        ratio = 1.0 if exponent == 1.0 and rng.random() < 0.15 else power(rng, low - more, high + more)
        return f32(scale**exponent * ratio), zero_point(rng)

    return draw


def absolute(low: float, high: float) -> Draw:
    return lambda rng, _: (power(rng, low, high), zero_point(rng))


def _alpha(rng: Generator) -> dict[str, object]:
    usual = (0.0, 0.1, 0.2, 0.3, 1.0, 2.5, -0.5)
    return {"alpha": usual[rng.integers(len(usual))] if rng.random() < 0.5 else float(rng.uniform(-1.5, 1.5))}


def _approximate(rng: Generator) -> dict[str, object]:
    return {"approximate": bool(rng.integers(2))}


UNARY = {
    "ABS": unary("ABS", -12, 4, relative(-2, 2, 25)),
    "CEIL": unary("CEIL", -7, 0, absolute(-4, 1)),
    "COS": unary("COS", -8, 0, absolute(-8, -6)),
    "ELU": unary("ELU", -9, 0, relative(-3, 2, 15)),
    "EXP": unary("EXP", -9, -4, absolute(-7, 2)),
    "FLOOR": unary("FLOOR", -7, 0, absolute(-4, 1)),
    "GELU": unary("GELU", -9, 0, relative(-3, 2), _approximate),
    "HARD_SWISH": unary("HARD_SWISH", -9, 1, relative(-3, 2, 4)),
    "LEAKY_RELU": unary("LEAKY_RELU", -12, 4, relative(-3, 2, 26), _alpha),
    "LOG": unary("LOG", -9, 4, absolute(-6, -3)),
    "LOGISTIC": unary("LOGISTIC", -8, 1, fixed(1 / 256, -128)),
    "NEG": unary("NEG", -12, 4, relative(-2, 2, 6)),
    "RELU_0_TO_1": unary("RELU_0_TO_1", -9, -4, absolute(-9, -5)),
    "RELU_N1_TO_1": unary("RELU_N1_TO_1", -9, -4, absolute(-8, -5)),
    "ROUND": unary("ROUND", -7, 0, absolute(-4, 1)),
    "RSQRT": unary("RSQRT", -12, 4, relative(-9, -4, 0, -0.5)),
    "SIN": unary("SIN", -8, 0, absolute(-8, -6)),
    "SQRT": unary("SQRT", -12, 4, relative(-5, -2, 2, 0.5)),
    "SQUARE": unary("SQUARE", -6, 3, relative(5, 9, 4, 2.0)),
    "TANH": unary("TANH", -8, 0, fixed(1 / 128, 0)),
}


def _any_shape(
    make: Callable[[ModelBuilder, Generator, tuple[int, ...]], int],
) -> Callable[[ModelBuilder, Generator], int]:
    def model(b: ModelBuilder, rng: Generator) -> int:
        shape = layers.any_rank(rng) if rng.random() < 0.85 else tuple(int(n) for n in rng.integers(1, 5, 5))
        return make(b, rng, shape)

    return model


def _prelu(b: ModelBuilder, rng: Generator) -> int:
    """alpha per channel, for all, per element, repeated along any axes, or of lower rank."""
    shape = layers.image(rng) if rng.random() < 0.5 else tuple(int(n) for n in rng.integers(1, 7, rng.integers(1, 6)))
    x = layers.model_input(b, rng, shape)
    axes = tuple(n if rng.random() < 0.6 else 1 for n in shape)
    alphas = (
        shape[-1:],
        (1,) * len(shape[1:-1]) + shape[-1:],
        (),
        shape[1:],
        axes,
        axes[int(rng.integers(len(axes))) :],
    )
    values = rng.integers(-128, 128, alphas[rng.integers(len(alphas))]).astype(np.int8)
    alpha = b.constant(np.asarray(values), power(rng, -10, -5), zero_point(rng))
    ratio = (1.0, power(rng, -3, 2), power(rng, -3, 2), power(rng, -26, 26))[rng.integers(4)]
    y = b.tensor(shape, f32(b.scale(x) * ratio), zero_point(rng))
    b.op("PRELU", [x, alpha], [y])
    return y


def _log_softmax(b: ModelBuilder, rng: Generator) -> int:
    shape = layers.any_rank(rng) if rng.random() < 0.9 else (int(rng.integers(1, 3)), int(rng.integers(100, 4096)))
    scale = (power(rng, -8, 0), power(rng, -8, 0), power(rng, -25.9, 20))[rng.integers(3)]
    y = b.tensor(shape, 1 / 16, 127)
    b.op("LOG_SOFTMAX", [b.input(shape, scale, zero_point(rng))], [y])
    return y


def _l2_normalization(b: ModelBuilder, rng: Generator) -> int:
    shape = layers.any_rank(rng)
    if rng.random() < 0.06:
        shape = (int(rng.integers(1, 3)), int(rng.integers(1000, 33000)))  # sums beyond 2^29 too
    y = b.tensor(shape, 1 / 128, 0)
    b.op("L2_NORMALIZATION", [layers.model_input(b, rng, shape)], [y], fusedActivationFunction=0)
    return y


GENERATORS = {
    **{kind: _any_shape(make) for kind, make in UNARY.items()},
    "L2_NORMALIZATION": _l2_normalization,
    "LOG_SOFTMAX": _log_softmax,
    "PRELU": _prelu,
}

"""fixedpoint.py and its C twin against exact rational arithmetic."""

from __future__ import annotations

import ctypes
import math
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.c_build import shared_library
from tinygen import fixedpoint as fp
from tinygen import resources

INT32 = st.integers(fp.INT32_MIN, fp.INT32_MAX)
MULTIPLIER = st.one_of(st.just(0), st.integers(1 << 30, fp.INT32_MAX))
SHIFT = st.integers(-31, 30)


def wrap32(x: int) -> int:
    return (x + (1 << 31)) % (1 << 32) - (1 << 31)


def exact_high_mul(a: int, b: int) -> int:
    """The nearest integer to a * b / 2^31, halves upwards, saturated: what gemmlowp's nudges come to."""
    return min(math.floor(Fraction(a * b, 1 << 31) + Fraction(1, 2)), fp.INT32_MAX)


def exact_divide(x: int, exponent: int) -> int:
    """The nearest integer to x / 2^exponent, halves away from zero."""
    magnitude = math.floor(Fraction(abs(x), 1 << exponent) + Fraction(1, 2))
    return magnitude if x >= 0 else -magnitude


def exact_requantize(x: int, multiplier: int, shift: int) -> int:
    return exact_divide(exact_high_mul(wrap32(x << max(shift, 0)), multiplier), max(-shift, 0))


@given(st.floats(2.0**-34, 2.0**40, allow_nan=False))
@example(0.5)
@example(1.0)
@example(1 - 2.0**-32)  # rounds up to 2^31: the shift takes it
@example(1 - 2.0**-33)
@example(2.0**-32)
@example(2.0**-32 * (1 - 2.0**-40))
@example(2.0**-33)
def test_quantize_multiplier(real: float) -> None:
    multiplier, shift = fp.quantize_multiplier(real)
    if real * (1 + 2.0**-31) < 2.0**-32:
        assert (multiplier, shift) == (0, 0)
        return
    if (multiplier, shift) == (0, 0):
        assert real < 2.0**-32
        return
    assert 1 << 30 <= multiplier <= fp.INT32_MAX
    assert shift >= -31
    # the nearest of 31 bits
    assert abs(Fraction(real) / Fraction(2) ** (shift - 31) - multiplier) <= Fraction(1, 2)


def test_quantize_multiplier_of_known_values() -> None:
    assert fp.quantize_multiplier(0.0) == (0, 0)
    assert fp.quantize_multiplier(1.0) == (1 << 30, 1)
    assert fp.quantize_multiplier(0.75) == (3 << 29, 0)
    assert fp.quantize_multiplier(1 - 2.0**-40) == (1 << 30, 1)
    assert fp.quantize_multiplier(2.0**-32) == (1 << 30, -31)
    assert fp.quantize_multiplier(2.0**-33) == (0, 0)


@given(INT32, MULTIPLIER, SHIFT)
@example(-1, 1 << 30, 0)  # -0.5 goes up to 0 ...
@example(-2, 1 << 30, -1)  # ... but -1/2 of the second rounding away to -1
@example(fp.INT32_MIN, fp.INT32_MAX, -31)
@example(fp.INT32_MAX, fp.INT32_MAX, 30)
def test_requantize_is_two_exact_roundings(x: int, multiplier: int, shift: int) -> None:
    assert fp.multiply_by_quantized_multiplier(x, multiplier, shift) == exact_requantize(x, multiplier, shift)


def test_requantize_broadcasts_over_channels() -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(fp.INT32_MIN, fp.INT32_MAX, (50, 4), dtype=np.int64)
    multiplier, shift = rng.integers(1 << 30, 1 << 31, 4), np.array([-31, -7, 0, 9], np.int8)
    got = fp.multiply_by_quantized_multiplier(x, multiplier, shift)
    for index in np.ndindex(x.shape):
        assert got[index] == exact_requantize(int(x[index]), int(multiplier[index[1]]), int(shift[index[1]]))


@given(INT32, INT32)
@example(fp.INT32_MIN, fp.INT32_MIN)
def test_srdhm(a: int, b: int) -> None:
    assert fp.srdhm(a, b) == exact_high_mul(a, b)


@given(INT32, st.integers(-31, 31))
def test_divide_and_multiply_by_pot(x: int, exponent: int) -> None:
    if exponent >= 0:
        assert fp.rounding_divide_by_pot(x, exponent) == exact_divide(x, exponent)
        wanted = min(max(x << exponent, fp.INT32_MIN), fp.INT32_MAX)
    else:
        wanted = exact_divide(x, -exponent)
    assert fp.saturating_multiply_by_pot(x, exponent) == wanted


@given(st.integers(-(31 << 26), 0))
@example(-1)
@example(-(1 << 24))
@example(-(1 << 24) + 1)
def test_exp_is_near_exp(a: int) -> None:
    assert fp.exp_on_negative_values(a) == pytest.approx(math.exp(a / (1 << 26)) * (1 << 31), abs=700)


def test_exp_falls() -> None:
    values = [fp.exp_on_negative_values(-a) for a in range(0, 31 << 26, 1 << 18)]
    assert values[0] == fp.INT32_MAX
    # gemmlowp's polynomial has seams at multiples of a quarter, 2e-7 high at most
    assert all(b <= a + 400 for a, b in pairwise(values))


@given(st.integers(1 << 19, fp.INT32_MAX))
@example((1 << 20) - 1)
@example(1 << 20)
def test_reciprocal(total: int) -> None:
    scale, over_unit = fp.reciprocal_of_sum(total, 12)
    real = scale / (1 << 31) * 2.0**-over_unit  # total is Q12.19
    assert real == pytest.approx((1 << 19) / total, rel=1e-8)


@given(st.floats(-1e9, 1e9))
@example(0.5)
@example(-0.5)
@example(2.5)
@example(-2.5)
def test_round_half_away(x: float) -> None:
    exact = math.floor(abs(Fraction(x)) + Fraction(1, 2))
    # one ulp below a half, x + 0.5 itself rounds; TFLM's operands are float32, whose sum with 0.5 is exact here
    if np.float32(x) == x:
        assert fp.round_half_away(x) == (exact if x >= 0 else -exact)


_C = """#include "{folder}/softmax_s8.h"
#define APPLY(name, expression)                                                               \\
  void name(const int32_t *a, const int32_t *b, const int32_t *c, int32_t *y, int32_t n) {{   \\
    for (int32_t i = 0; i < n; ++i) {{ (void)b; (void)c; y[i] = expression; }}                \\
  }}
APPLY(requantize, tg_requantize(a[i], b[i], c[i]))
APPLY(multiply_high, tg_multiply_high(a[i], b[i]))
APPLY(divide_by_pot, tg_divide_by_pot(a[i], c[i]))
APPLY(add_wrap, tg_add_wrap(a[i], b[i]))
APPLY(reciprocal, tg_softmax_s8_reciprocal(a[i]))
"""


@pytest.fixture(scope="module")
def c_twin(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    folder = tmp_path_factory.mktemp("fixedpoint")
    source = folder / "twin.c"
    source.write_text(_C.format(folder=resources.KERNELS / "portable"))
    flags = ("-O2", "-fsanitize=undefined", "-fsanitize-undefined-trap-on-error")
    return shared_library([Path(source)], folder, flags)


def _apply(twin: ctypes.CDLL, name: str, *arrays: np.ndarray) -> list[int]:
    count = len(arrays[0])
    columns = [np.ascontiguousarray(a, np.int32) for a in arrays] + [np.zeros(count, np.int32)] * (3 - len(arrays))
    y = np.zeros(count, np.int32)
    getattr(twin, name)(*(ctypes.c_void_p(c.ctypes.data) for c in columns), ctypes.c_void_p(y.ctypes.data), count)
    return [int(v) for v in y]


def _edges_and_random(rng: np.random.Generator, count: int) -> np.ndarray:
    edges = [fp.INT32_MIN, fp.INT32_MIN + 1, -(1 << 30), -2, -1, 0, 1, 2, 1 << 30, fp.INT32_MAX - 1, fp.INT32_MAX]
    wide = rng.integers(fp.INT32_MIN, fp.INT32_MAX, count, dtype=np.int64) >> rng.integers(0, 31, count)
    return np.concatenate([np.array(edges, np.int64), wide])


def test_c_twin(c_twin: ctypes.CDLL) -> None:
    rng = np.random.default_rng(6)
    a = _edges_and_random(rng, 20000)
    multiplier = rng.integers(1 << 30, 1 << 31, len(a))
    multiplier[rng.random(len(a)) < 0.3] = 1 << 30  # halves
    shift = rng.integers(-31, 31, len(a))
    wanted = fp.multiply_by_quantized_multiplier(a, multiplier, shift)
    assert _apply(c_twin, "requantize", a, multiplier, shift) == wanted.tolist()
    assert _apply(c_twin, "multiply_high", a, -multiplier) == [
        fp.srdhm(int(x), -int(m)) for x, m in zip(a, multiplier, strict=True)
    ]
    exponent = rng.integers(0, 32, len(a))
    assert _apply(c_twin, "divide_by_pot", a, a, exponent) == [
        fp.rounding_divide_by_pot(int(x), int(e)) for x, e in zip(a, exponent, strict=True)
    ]
    other = _edges_and_random(rng, 20000)[::-1]
    assert _apply(c_twin, "add_wrap", a, other) == [wrap32(int(x) + int(z)) for x, z in zip(a, other, strict=True)]


def test_c_twin_of_the_reciprocal(c_twin: ctypes.CDLL) -> None:
    rng = np.random.default_rng(7)
    totals = [1 << 19, (1 << 20) - 1, 1 << 20, fp.INT32_MAX, *(int(t) for t in rng.integers(1 << 19, 1 << 31, 5000))]
    fractions = [((t << (32 - t.bit_length())) & 0xFFFFFFFF) - (1 << 31) for t in totals]
    wanted = [fp.reciprocal_of_sum(t, 12)[0] for t in totals]
    assert _apply(c_twin, "reciprocal", np.array(fractions)) == wanted

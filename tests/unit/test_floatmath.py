"""The float functions against the real ones in float64, on millions of floats of every size, and on special values."""

from __future__ import annotations

import math
import os
from collections.abc import Callable

import numpy as np
import pytest

from tinygen import floatmath
from tinygen.ir import Array

Function = Callable[[Array], Array]
STEP = 17 if "TINYGEN_NIGHTLY" in os.environ else 4099  # of all 2**32 floats, every so manieth


def _logistic(x: Array) -> Array:
    return np.where(x < 0, np.exp(x) / (1 + np.exp(x)), 1 / (1 + np.exp(-x)))


# ours, the real function in float64, the largest error in ulp
FUNCTIONS: dict[str, tuple[Function, Function, float]] = {
    "cos": (floatmath.cos, np.cos, 3),
    "exp": (floatmath.exp, np.exp, 1),
    "expm1": (floatmath.expm1, np.expm1, 3.5),
    "log": (floatmath.log, np.log, 1),
    "logistic": (floatmath.logistic, _logistic, 2.5),
    "rsqrt": (floatmath.rsqrt, lambda x: 1 / np.sqrt(x), 1.5),
    "sin": (floatmath.sin, np.sin, 3),
    "sqrt": (floatmath.sqrt, np.sqrt, 0.5),
    "tanh": (floatmath.tanh, np.tanh, 1.5),
}


def _all_sizes(offset: int) -> Array:
    return np.arange(offset, 1 << 32, STEP, dtype=np.uint64).astype(np.uint32).view(np.float32)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_error(name: str) -> None:
    """NaN and infinities stand where the real function has them; everything else is as near as the docstring says."""
    ours, real, bound = FUNCTIONS[name]
    x = _all_sizes(len(name))
    got = ours(x)
    with np.errstate(all="ignore"):
        wanted = real(x.astype(np.float64))
        rounded = wanted.astype(np.float32)
    assert got.dtype == np.float32
    assert np.array_equal(np.isnan(got), np.isnan(rounded))
    assert np.array_equal(got[np.isinf(rounded)], rounded[np.isinf(rounded)])
    finite = np.isfinite(rounded)
    assert finite.sum() > 100_000
    ulp = np.spacing(np.maximum(np.abs(rounded[finite]), np.finfo(np.float32).tiny)).astype(np.float64)
    assert (np.abs(got[finite] - wanted[finite]) / ulp).max() <= bound


@pytest.mark.parametrize("approximate", [False, True])
def test_gelu(approximate: bool) -> None:
    x = np.linspace(-20, 20, 400_001).astype(np.float32)
    ours = floatmath.gelu_tanh(x) if approximate else floatmath.gelu(x)
    for value, got in zip(x[::40].tolist(), ours[::40].tolist(), strict=True):
        inner = math.sqrt(2 / math.pi) * (value + 0.044715 * value**3)
        wanted = value * (0.5 * (1 + math.tanh(inner)) if approximate else 0.5 * math.erfc(-value / math.sqrt(2)))
        assert abs(got - wanted) <= 2e-7 * max(1, abs(value))
        if not approximate and -13 < value < 0:
            assert abs(got - wanted) <= 2e-5 * abs(wanted)  # digits where 1 + erf has none


def test_special_values() -> None:
    inf, nan = np.float32(np.inf), np.float32(np.nan)
    x = np.array([0, -0.0, inf, -inf, nan, 1e-45, -1e-45], np.float32)
    expected: dict[str, tuple[Function, list[float]]] = {
        "exp": (floatmath.exp, [1, 1, inf, 0, nan, 1, 1]),
        "expm1": (floatmath.expm1, [0, -0.0, inf, -1, nan, 1e-45, -1e-45]),
        "log": (floatmath.log, [-inf, -inf, inf, nan, nan, -103.27893, nan]),
        "sqrt": (floatmath.sqrt, [0, -0.0, inf, nan, nan, 3.743392e-23, nan]),
        "logistic": (floatmath.logistic, [0.5, 0.5, 1, 0, nan, 0.5, 0.5]),
        "tanh": (floatmath.tanh, [0, -0.0, 1, -1, nan, 1e-45, -1e-45]),
        "sin": (floatmath.sin, [0, -0.0, nan, nan, nan, 1e-45, -1e-45]),
        "cos": (floatmath.cos, [1, 1, nan, nan, nan, 1, 1]),
        "gelu": (floatmath.gelu, [0, 0, inf, 0, nan, 1e-45, 0]),
    }
    for name, (function, values) in expected.items():
        got, wanted = function(x), np.array(values, np.float32)
        assert np.array_equal(got, wanted, equal_nan=True), (name, got)


def test_sums_are_sequential() -> None:
    """One after the other: 2**24 swallows each 1 behind it, and none before it."""
    large, one = np.float32(2**24), np.float32(1)
    assert floatmath.sequential_sum(np.array([large, one, one, one], np.float32)) == large
    assert floatmath.sequential_sum(np.array([one, one, large], np.float32)) == large + np.float32(2)
    minus = floatmath.sequential_sum(np.array([-0.0, -0.0], np.float32))
    assert not np.signbit(minus)
    many = np.random.default_rng(0).normal(0, 1, (3000, 5)).astype(np.float32)
    total = np.zeros(5, np.float32)
    for row in many:
        total = total + row
    assert np.array_equal(floatmath.sequential_sum(many), total)


def test_maximum_passes_over_nan() -> None:
    nan = np.nan
    rows = np.array([[1, nan, 3], [nan, 2, 3], [2, 1, 3]], np.float32)
    assert np.array_equal(floatmath.sequential_max(rows), np.array([2, nan, 3], np.float32), equal_nan=True)

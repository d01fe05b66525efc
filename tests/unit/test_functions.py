"""The fixed-point functions of ops/_functions.py against real arithmetic, and their C twins."""

from __future__ import annotations

import ctypes
import math
from pathlib import Path

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.c_build import shared_library
from tinygen import resources
from tinygen.fixedpoint import INT32_MAX
from tinygen.ops import _functions

ONE = 1 << 31


@given(st.integers(-(1 << 31), INT32_MAX))
@example(0)
@example(1)
@example(-1)
def test_logistic_and_tanh(a: int) -> None:
    x = a / (1 << 27)
    assert abs(_functions.logistic(a) / ONE - 1 / (1 + math.exp(-x))) < 1e-6
    assert abs(_functions.tanh(a) / ONE - math.tanh(x)) < 1e-6


@given(st.integers(1 << 19, INT32_MAX))
@example(1 << 19)
@example(INT32_MAX)
def test_log(total: int) -> None:
    assert abs(_functions.log_of_sum(total) / (1 << 26) - math.log(total / (1 << 19))) < 1e-6


@given(st.integers(1, INT32_MAX))
@example(1)
@example(2)
@example(INT32_MAX)
def test_inverse_sqrt(x: int) -> None:
    multiplier, shift = _functions.inverse_sqrt(x)
    assert shift <= 0
    assert abs(multiplier / ONE * 2.0**shift * math.sqrt(x) - 1) < 2e-6
    assert _functions.inverse_sqrt(0) == _functions.inverse_sqrt(1)


_C = """#include "{folder}/log_softmax_s8.h"
#include "{folder}/l2_normalization_s8.h"
void log_of_sums(const int32_t *x, int32_t *y, int32_t *shift, int32_t n) {{
  for (int32_t i = 0; i < n; ++i) {{ y[i] = tg_log_softmax_s8_log(x[i]); shift[i] = 0; }}
}}
void inverse_sqrts(const int32_t *x, int32_t *y, int32_t *shift, int32_t n) {{
  for (int32_t i = 0; i < n; ++i) y[i] = tg_l2_normalization_s8_inverse_sqrt(x[i], shift + i);
}}
"""


def test_c_twins(tmp_path: Path) -> None:
    source = tmp_path / "twins.c"
    source.write_text(_C.format(folder=resources.KERNELS / "portable"))
    flags = ("-O2", "-fsanitize=undefined", "-fsanitize-undefined-trap-on-error")
    library = shared_library([source], tmp_path, flags)
    rng = np.random.default_rng(8)
    wide = np.exp2(rng.uniform(0, 31, 10000)).astype(np.int64)
    edges = [1 << n for n in range(31)]
    x = np.array([*edges, *(n - 1 for n in edges), INT32_MAX, *wide], np.int32)
    sums = x[x >= 1 << 19]

    def run(name: str, values: np.ndarray) -> list[tuple[int, int]]:
        y, shift = np.zeros_like(values), np.zeros_like(values)
        getattr(library, name)(*(ctypes.c_void_p(a.ctypes.data) for a in (values, y, shift)), len(values))
        return list(zip(y.tolist(), shift.tolist(), strict=True))

    assert run("log_of_sums", np.ascontiguousarray(sums)) == [(_functions.log_of_sum(int(v)), 0) for v in sums]
    assert run("inverse_sqrts", x) == [_functions.inverse_sqrt(int(v)) for v in x]

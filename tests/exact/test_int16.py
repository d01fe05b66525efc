"""int16 activations beside the comparison with TFLM: operators that it lacks against formulas, what the cases cover,
samples at an int16 border, and the edges of the arithmetic of 64 bits."""

from __future__ import annotations

import ctypes
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.exact.cases import COUNT, Case, cases
from tests.support.c_build import shared_library
from tests.support.tflite_builder import ModelBuilder
from tinygen import reference, resources
from tinygen.errors import TinygenError
from tinygen.fixedpoint import multiply_by_short_multiplier, quantize_multiplier, short_multiplier
from tinygen.ir import Array, DType
from tinygen.load.tflite import parse_tflite
from tinygen.ops import operator_for
from tinygen.ops._parameters import is_wide
from tinygen.ops._reduce import reduced_axes
from tinygen.ops.base import Operator
from tinygen.ops.int16._real import RealFunction16
from tinygen.samples import random_samples, raw_samples, real_values
from tinygen.verify import verify

_ALL = np.arange(-32768, 32768)


def _operator(case: Case) -> Operator:
    return operator_for(case.graph, case.graph.ops[0])


@pytest.mark.parametrize("kind", ["REDUCE_MAX int16", "REDUCE_MIN int16"])
def test_reductions(kind: str) -> None:
    for case in cases(kind):
        op = case.graph.ops[0]
        for sample in case.samples:
            slices = np.moveaxis(sample[0], axes := reduced_axes(case.graph, op), range(-len(axes), 0))
            rows = slices.reshape(*slices.shape[: slices.ndim - len(axes)], -1).tolist()
            choose = max if "MAX" in kind else min
            wanted = np.array(_deepest(rows, choose), np.int64).reshape(-1)
            assert (reference.run(case.graph, sample)[0].reshape(-1) == wanted).all(), str(case)


def _deepest(rows: object, choose: object) -> object:
    """The extreme of every innermost list."""
    assert isinstance(rows, list)
    assert callable(choose)
    return [_deepest(row, choose) for row in rows] if isinstance(rows[0], list) else choose(rows)


def test_resize_bilinear() -> None:
    """Against interpolation in float64 at the rounded positions."""
    for case in cases("RESIZE_BILINEAR int16"):
        graph, op = case.graph, case.graph.ops[0]
        options, (_, height, width, _) = op.options, graph.output(op).shape
        for (x,) in case.samples:
            value = x.astype(np.float64)
            for axis, new in ((1, height), (2, width)):
                value = _interpolated(value, axis, new, options.align_corners, options.half_pixel_centers)
            wanted = np.copysign(np.floor(np.abs(value) + 0.5), value)
            got = reference.run(graph, (x,))[0]
            assert np.abs(got - wanted).max() <= (np.abs(value - np.trunc(value)) % 1 > 0).any(), str(case)
            assert np.mean(got == wanted) > 0.999, str(case)


def _interpolated(x: Array, axis: int, new: int, corners: bool, half: bool) -> Array:
    old = x.shape[axis]
    step = (old - 1) / (new - 1) if corners and new > 1 else old / new
    step = np.floor(step * 1024 + 0.5) / 1024
    start = np.floor(step * 1024 / 2) / 1024 - 0.5 if half else 0.0
    place = start + np.arange(new) * step
    low, high = np.maximum(np.floor(place), 0).astype(int), np.minimum(np.ceil(place), old - 1).astype(int)
    part = (place - low).reshape(-1, *(1,) * (x.ndim - axis - 1))
    interpolated: Array = x.take(low, axis) * (1 - part) + x.take(high, axis) * part
    return interpolated


@pytest.mark.parametrize("kind", ["EXP", "LOG", "GELU"])
def test_real_functions(kind: str) -> None:
    """Lines between 513 points: as far from the function as it is from its chords, half as much again since the
    entries are moved to halve the error, and 2 steps."""
    for case in cases(f"{kind} int16"):
        graph, op = case.graph, case.graph.ops[0]
        x, y = graph.required(op, 0), graph.output(op)
        operator = operator_for(graph, op)
        assert isinstance(operator, RealFunction16)
        table = operator.table(graph, op)
        real = x.scale * _ALL
        with np.errstate(divide="ignore", over="ignore"):
            exact = np.clip(operator.function(real, op.options) / y.scale, -32768, 32767)
        steps = exact.reshape(512, 128)
        ends = np.append(steps[1:, 0], steps[-1, -1])
        chords = steps[:, :1] + (ends - steps[:, 0])[:, None] * np.arange(128) / 128
        bend = np.abs(chords - steps).max(axis=1)
        # the entries stand up to one input step before multiples of 128
        bend = bend + np.abs(np.diff(np.append(exact, exact[-1]))).reshape(512, 128).max(axis=1)
        bend = np.maximum(bend, np.maximum(np.append(bend[1:], 0), np.append(0, bend[:-1])))
        values = _looked_up(table).reshape(512, 128)
        assert (np.abs(values - steps) <= 1.5 * bend[:, None] + 2).all(), str(case)


def _looked_up(table: Array) -> Array:
    """Straight lines in float64 between the entries, each rounded."""
    return np.floor(np.interp(_ALL, np.arange(513) * 128 - 32768, table.astype(np.float64)) + 0.5)


@pytest.mark.parametrize("kind", ["CONV_2D", "FULLY_CONNECTED", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV"])
def test_cases_cover(kind: str) -> None:
    seen: Counter[str] = Counter()
    for case in cases(f"{kind} int16", COUNT):
        operator, op = _operator(case), case.graph.ops[0]
        assert operator.dtype is DType.INT16
        weights = next(t for i in op.inputs if i >= 0 and (t := case.graph.tensors[i]).dtype is DType.INT8)
        x = next(case.graph.tensors[i] for i in op.inputs if case.graph.tensors[i].dtype is DType.INT16)
        assert weights.quantization is not None
        real = x.scale * max(weights.quantization.scale) / case.graph.output(op).scale
        types = {case.graph.tensors[i].dtype for i in op.inputs if i >= 0 and case.graph.tensors[i].data is not None}
        seen["multiplier > 1"] += real > 1
        seen["multiplier < 2^-20"] += real < 2.0**-20
        narrow = kind in ("CONV_2D", "FULLY_CONNECTED")
        seen["int64 bias"] += DType.INT64 in types
        seen["no bias"] += DType.INT64 not in types and not (narrow and DType.INT32 in types)
        if narrow:
            seen["sums of 32 bits"] += not is_wide(case.graph, op)
            seen["32 bits without a bias"] += not is_wide(case.graph, op) and DType.INT32 not in types
    assert min(seen.values()) >= 2, seen


@given(
    st.integers(-(1 << 47) + 1, (1 << 47) - 1),
    st.floats(2.0**-31, 127.0, exclude_max=True),
)
def test_short_multiplier(x: int, real: float) -> None:
    """Within the 15 bits of the multiplier and one rounding, unless it leaves int32."""
    multiplier, shift = quantize_multiplier(real)
    got = int(multiply_by_short_multiplier(x, short_multiplier(multiplier), shift))
    if abs(x * real) < 2**31 - 1 - 2**17:
        assert abs(got - x * real) <= abs(x * real) * 2.0**-14 + 0.51


_TWIN = """#include "{folder}/tg_dot16.h"
void requantize(const int64_t *x, const int32_t *m, const int32_t *s, int32_t *y, int32_t n) {{
  for (int32_t i = 0; i < n; ++i) y[i] = tg_requantize64(x[i], m[i], s[i]);
}}
int64_t dot(const int16_t *x, const int8_t *w, int32_t n) {{ return tg_dot16(x, w, n); }}
"""


def test_c_twins(tmp_path: Path) -> None:
    source = tmp_path / "twin.c"
    source.write_text(_TWIN.format(folder=resources.KERNELS / "portable"))
    flags = ("-O2", "-fsanitize=undefined", "-fsanitize-undefined-trap-on-error")
    library = shared_library([source], tmp_path, flags)
    rng = np.random.default_rng(1)
    x = rng.integers(-(1 << 47), 1 << 47, 20000) >> rng.integers(0, 47, 20000)
    m = rng.integers(1 << 14, 1 << 15, 20000).astype(np.int32)
    s = rng.integers(-31, 8, 20000).astype(np.int32)
    y = np.zeros(20000, np.int32)
    library.requantize(*(ctypes.c_void_p(a.ctypes.data) for a in (x, m, s, y)), 20000)
    assert (y == multiply_by_short_multiplier(x, m, s)).all()
    library.dot.restype = ctypes.c_int64
    for n in (1, 255, 256, 257, 5000):
        for a, w in ((-32768, -128), (32767, 127), (-32768, 127)):
            arrays = np.full(n, a, np.int16), np.full(n, w, np.int8)
            assert library.dot(*(ctypes.c_void_p(v.ctypes.data) for v in arrays), n) == n * a * w


def test_samples_of_an_int16_border() -> None:
    b = ModelBuilder()
    x, y = b.input((1, 4), 0.001, dtype="int16"), b.tensor((1, 4), 0.002, dtype="int16")
    b.op("RELU", [x], [y])
    graph = verify(parse_tflite(b.build([y]), "border", "border"))
    real = np.array([[1.0, -3.0, 32.7674, 1e9]], np.float32)
    raw = raw_samples(graph, {"input_0": real})
    assert raw.inputs[0][0].tolist() == [[1000, -3000, 32767, 32767]]
    outputs = reference.run(graph, raw.inputs[0])
    assert real_values(outputs, graph.tensors[y]).tolist() == [
        [1.0, 0.0, np.float32(16384 * 0.002), np.float32(32.768)]
    ]
    values = random_samples(graph, 500).inputs
    assert min(v[0].min() for v in values) < -30000
    assert max(v[0].max() for v in values) > 30000


def _dense(bias: Array, scale: float = 0.001, zero_point: int = 0) -> bytes:
    b = ModelBuilder()
    x = b.input((1, 4), 0.01, zero_point, "int16")
    y = b.tensor((1, 2), 0.01, dtype="int16")
    b.op("FULLY_CONNECTED", [x, b.constant(np.ones((2, 4), np.int8), scale), b.constant(bias)], [y])
    return b.build([y])


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (_dense(np.zeros(2, np.int64), zero_point=3), "int16 with the zero point 3, 0 expected"),
        (_dense(np.array([0, 1 << 47], np.int64)), "a sum could leave 48 bits"),
        (_dense(np.zeros(2, np.int16)), "bias is int16"),
        (_dense(np.zeros(3, np.int64)), "int64 or int32 of 2 elements expected"),
        (_dense(np.zeros(2, np.int64), scale=200.0), "200 times too small"),
    ],
)
def test_refused(content: bytes, why: str) -> None:
    with pytest.raises(TinygenError, match=why):
        verify(parse_tflite(content, "refused", "refused"))

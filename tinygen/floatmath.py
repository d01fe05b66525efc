"""Functions of float32 for the float operators: numpy = C to the bit, whatever the core.

The C twin is templates/kernels/portable/tg_float.h; both do the same additions, multiplications and divisions of
float32 in the same order. Errors below are against the real function, over all floats (tests/unit/test_floatmath.py);
an ulp is the distance of two neighbouring floats at the result, or 2**-149 where results are denormal. All arrays are
float32, of any shape; NaN in gives NaN out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinygen.ir import Array

F = np.float32
LARGEST = float(np.finfo(np.float32).max)
_SMALLEST = F(np.finfo(np.float32).tiny)
_NAN = np.uint32(0x7FC00000).view(np.float32)
_LOG_2 = (F(0.693359375), F(-0.000212194442))  # in two parts, the first of few bits
_EXP = (0.000197901347, 0.00139448687, 0.00833349861, 0.0416662917, 0.166666657, 0.5)
_LOG = (
    -0.0763449743,
    0.12761578,
    -0.131601825,
    0.142017573,
    -0.166233569,
    0.200012267,
    -0.250008196,
    0.333333313,
)
_TANH = (-0.00570498686, 0.020639088, -0.0537397154, 0.133314416, -0.333332807)
_SIN = (-0.00019514958, 0.00833215844, -0.166666552)
_COS = (2.44327857e-05, -0.0013887313, 0.0416666456)
_ERFC = (
    -0.129540622,
    0.485656261,
    -0.51248771,
    0.547984004,
    -0.0948537141,
    0.215023488,
    0.148310706,
    0.170719847,
    0.16918768,
)
_TWO_OVER_PI = np.array(
    [0, 0xA2F9836E, 0x4E441529, 0xFC2757D1, 0xF534DDC0, 0xDB629599, 0x3C439041, 0xFE5163AB], np.uint64
)


def _polynomial(x: Array, coefficients: Sequence[float]) -> Array:
    """Horner's scheme, the highest power first."""
    value = np.full(x.shape, coefficients[0], np.float32)
    for c in coefficients[1:]:
        value = value * x + F(c)
    return value


def _power_of_two(n: Array) -> Array:
    return np.asarray(((n.astype(np.int32) + 127).astype(np.uint32) << np.uint32(23)).view(np.float32))


def exp(x: Array) -> Array:
    """Within 1 ulp."""
    with np.errstate(all="ignore"):
        inside = np.where((x >= F(-103.972084)) & (x <= F(88.7228394)), x, F(0))
        turns = inside * F(1.44269502)
        n = np.where(turns < 0, turns - F(0.5), turns + F(0.5)).astype(np.int32)
        whole = n.astype(np.float32)
        r = (inside - whole * _LOG_2[0]) - whole * _LOG_2[1]
        half = np.sign(n) * (np.abs(n) // 2)  # C's division
        value = (_polynomial(r, _EXP) * (r * r) + r) + F(1)
        value = value * _power_of_two(half) * _power_of_two(n - half)
        outside = np.where(x > F(88.7228394), F(np.inf), np.where(x < F(-103.972084), F(0), _NAN))
        return np.asarray(np.where((x >= F(-103.972084)) & (x <= F(88.7228394)), value, outside))


def expm1(x: Array) -> Array:
    """exp(x) - 1, within 3.5 ulp."""
    with np.errstate(all="ignore"):
        return np.asarray(np.where(np.abs(x) < F(0.34657359), _polynomial(x, _EXP) * (x * x) + x, exp(x) - F(1)))


def log(x: Array) -> Array:
    """Within 1 ulp; -inf of 0, NaN of negative numbers."""
    with np.errstate(all="ignore"):
        inside = np.where((x > 0) & (x <= F(LARGEST)), x, F(1))
        small = inside < _SMALLEST
        bits = np.where(small, inside * F(8388608), inside).view(np.uint32)
        e = np.where(small, -23, 0).astype(np.int32) + (bits >> np.uint32(23)).astype(np.int32) - 127
        m = ((bits & np.uint32(0x007FFFFF)) | np.uint32(0x3F800000)).view(np.float32)
        large = m > F(1.41421354)
        m, exponent = np.where(large, m * F(0.5), m), (e + large).astype(np.float32)
        f = m - F(1)
        square = f * f
        tail = (_polynomial(f, _LOG) * (f * square) + exponent * _LOG_2[1]) - F(0.5) * square
        value = (f + tail) + exponent * _LOG_2[0]
        outside = np.where(x > 0, x, np.where(x == 0, F(-np.inf), _NAN))
        return np.where((x > 0) & (x <= F(LARGEST)), value, outside)


def sqrt(x: Array) -> Array:
    """Correctly rounded, as numpy's own is; the C computes it in integers."""
    with np.errstate(all="ignore"):
        return np.where(x >= 0, np.sqrt(x), _NAN)


def rsqrt(x: Array) -> Array:
    """1 / sqrt(x), within 1 ulp."""
    with np.errstate(all="ignore"):
        return np.asarray(F(1) / sqrt(x))


def logistic(x: Array) -> Array:
    """1 / (1 + exp(-x)), within 2.5 ulp."""
    with np.errstate(all="ignore"):
        e = exp(-np.abs(x))
        return np.asarray(np.where(x < 0, e, F(1)) / (F(1) + e))


def tanh(x: Array) -> Array:
    """Within 1.5 ulp."""
    with np.errstate(all="ignore"):
        a, z = np.abs(x), x * x
        near = _polynomial(z, _TANH) * (z * x) + x
        far = np.where(a > F(9.5), F(1), F(1) - F(2) / (exp(a + a) + F(1)))
        return np.asarray(np.where(a < F(0.625), near, np.copysign(far, x)))


def _quadrant(x: Array) -> tuple[Array, Array]:
    """(remainder, quadrant) of finite floats that are pi / 4 or more away from 0; see tg_quadrant."""
    bits = x.view(np.uint32).astype(np.uint64)
    m = (bits & np.uint64(0x007FFFFF)) | np.uint64(0x00800000)
    first = ((bits >> np.uint64(23)) & np.uint64(255)) - np.uint64(120)
    at, offset = (first // np.uint64(32)).astype(np.int64), first % np.uint64(32)
    pairs = [(_TWO_OVER_PI[at + i] << np.uint64(32)) | _TWO_OVER_PI[at + i + 1] for i in range(3)]
    low = np.uint64(0xFFFFFFFF)
    words = [(pair >> (np.uint64(32) - offset)) & low for pair in pairs]
    turns = (((m * words[0]) & low) << np.uint64(32)) + m * words[1] + (m * words[2] >> np.uint64(32))
    q = ((turns + np.uint64(1 << 61)) >> np.uint64(62)).astype(np.int64)
    part = turns << np.uint64(2)
    below = (part >> np.uint64(63)) != 0
    part = np.where(below, ~part + np.uint64(1), part)
    shift = np.zeros(x.shape, np.int32)
    for _ in range(40):
        more = (part >> np.uint64(63)) == 0
        part, shift = np.where(more, part << np.uint64(1), part), shift + more
    size = (part >> np.uint64(32)).astype(np.uint32).astype(np.float32) * F(1.57079637) * _power_of_two(-32 - shift)
    negative = x < 0
    return np.where(below != negative, -size, size), np.where(negative, -q, q) & 3


def _sin_turned(x: Array, turns: int) -> Array:
    """The sine of x + turns * pi / 2."""
    with np.errstate(all="ignore"):
        flat = x.reshape(-1)
        a = np.abs(flat)
        reduced, quadrant = _quadrant(np.where((a >= F(0.785398185)) & (a <= F(LARGEST)), flat, F(1)))
        r = np.where(a < F(0.785398185), flat, reduced)
        quadrant = np.where(a < F(0.785398185), 0, quadrant) + turns
        z = r * r
        even = _polynomial(z, _SIN) * (z * r) + r
        odd = _polynomial(z, _COS) * (z * z) + (F(1) - F(0.5) * z)
        s = np.where(quadrant & 1, odd, even)
        return np.asarray(np.where(a <= F(LARGEST), np.where(quadrant & 2, -s, s), _NAN).reshape(x.shape))


def sin(x: Array) -> Array:
    """Within 3 ulp, for any finite number."""
    return _sin_turned(x, 0)


def cos(x: Array) -> Array:
    """Within 3 ulp, for any finite number."""
    return _sin_turned(x, 1)


def _erfc(z: Array) -> Array:
    """1 - erf(z) of z >= 0, with exp(-z**2) in two factors."""
    t = F(1) / (F(1) + F(0.3) * z)
    head = (z.view(np.uint32) & np.uint32(0xFFFFF000)).view(np.float32)
    return np.asarray((_polynomial(t, _ERFC) * t) * exp(-(head * head)) * exp((head - z) * (head + z)))


def gelu(x: Array) -> Array:
    """x (1 + erf(x / sqrt(2))) / 2: absolute error below 1e-7 times max(1, |x|), and digits down to x = -13."""
    with np.errstate(all="ignore"):
        half = F(0.5) * x * _erfc(np.abs(x) * F(0.707106769))
        return np.where(x < -15, F(0), np.where(x > 6, x, np.where(x < 0, half, x - half)))


def gelu_tanh(x: Array) -> Array:
    """x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x**3))) / 2, by the logistic function of twice that."""
    with np.errstate(all="ignore"):
        return np.where(x < -15, F(0), x * logistic(F(1.59576917) * (x + F(0.044715) * (x * x * x))))


def clamp(x: Array, low: float, high: float) -> Array:
    """x within [low, high]; NaN stays."""
    return np.where(x < F(low), F(low), np.where(x > F(high), F(high), x))


def sequential_sum(terms: Array) -> Array:
    """The sum over axis 0, one term after the other from +0: (n, ...) to (...)."""
    with np.errstate(all="ignore"):
        total: Array = np.add.accumulate(terms, axis=0, dtype=np.float32)[-1] + F(0)
        return total


def sequential_max(values: Array) -> Array:
    """The largest over axis 0, of equal ones the first; a first NaN stays, others are passed over."""
    highest: Array = values[0]
    for row in values[1:]:
        highest = np.where(row > highest, row, highest)
    return highest

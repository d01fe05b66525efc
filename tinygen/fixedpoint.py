"""Fixed-point arithmetic of int8 inference: the numpy twin of templates/kernels/portable/tg_fixedpoint.h.

Every function equals TensorFlow Lite Micro's to the bit (double rounding): quantization_util.cc,
common.cc and gemmlowp's fixedpoint.h are the files it must equal.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

INT32_MIN = -(1 << 31)
INT32_MAX = (1 << 31) - 1


def quantize_multiplier(real: float) -> tuple[int, int]:
    """`real` >= 0 as (multiplier, shift) with real ~ multiplier * 2**(shift - 31).

    The multiplier is 0 or in [2**30, 2**31); a negative shift is a right shift. Equals QuantizeMultiplier.
    """
    if real == 0.0:
        return 0, 0
    fraction, shift = math.frexp(real)
    multiplier = math.floor(fraction * (1 << 31) + 0.5)
    if multiplier == 1 << 31:
        multiplier //= 2
        shift += 1
    if shift < -31:
        return 0, 0
    return multiplier, shift


def _srdhm(a: Int64, b: Int64 | int) -> Int64:
    """SaturatingRoundingDoublingHighMul of int32 values (held in int64); b >= 0, so nothing saturates."""
    ab = a * b
    nudged = ab + np.where(ab >= 0, 1 << 30, 1 - (1 << 30))
    # C's division truncates towards zero, numpy's shift floors
    result: Int64 = np.where(nudged >= 0, nudged >> 31, -((-nudged) >> 31))
    return result


def _rounding_divide_by_pot(x: Int64, exponent: npt.NDArray[np.int64]) -> Int64:
    """RoundingDivideByPOT: x / 2**exponent, rounded half away from zero."""
    mask = (np.int64(1) << exponent) - 1
    threshold = (mask >> 1) + (x < 0)
    rounded: Int64 = (x >> exponent) + ((x & mask) > threshold)
    return rounded


def _wrap_int32(x: Int64) -> Int64:
    return x.astype(np.int32).astype(np.int64)


def multiply_by_quantized_multiplier(x: npt.ArrayLike, multiplier: npt.ArrayLike, shift: npt.ArrayLike) -> Int64:
    """x * multiplier * 2**(shift - 31) with two roundings; arrays broadcast, results are int32 values in int64.

    Equals MultiplyByQuantizedMultiplier(int32, int32, int) of TFLM without TFLITE_SINGLE_ROUNDING. A left
    shift that leaves int32 wraps, as the C does.
    """
    value = np.asarray(x, np.int64)
    exponent = np.asarray(shift, np.int64)
    shifted = _wrap_int32(value << np.maximum(exponent, 0))
    return _rounding_divide_by_pot(_srdhm(shifted, np.asarray(multiplier, np.int64)), np.maximum(-exponent, 0))


def short_multiplier(multiplier: npt.ArrayLike) -> Int32:
    """The upper 16 bits of multipliers, rounded and saturated: what the 64-bit output stage multiplies by."""
    whole = np.asarray(multiplier, np.int64)
    rounded: Int32 = np.where(whole < 0x7FFF0000, (whole + (1 << 15)) >> 16, 0x7FFF).astype(np.int32)
    return rounded


def multiply_by_short_multiplier(x: npt.ArrayLike, multiplier: npt.ArrayLike, shift: npt.ArrayLike) -> Int64:
    """x * multiplier * 2**(shift - 15) rounded once, halves upwards; int32 values in int64.

    x: |x| < 2**47; multiplier: short_multiplier's; shift -31 to 7. Equals MultiplyByQuantizedMultiplier(int64,
    int32, int) of TFLM, which drops what leaves int32.
    """
    down = 15 - np.asarray(shift, np.int64)
    product = np.asarray(x, np.int64) * np.asarray(multiplier, np.int64)
    return _wrap_int32((product + (np.int64(1) << (down - 1))) >> down)


# Scalar versions, for tables made at generation time


def srdhm(a: int, b: int) -> int:
    """gemmlowp SaturatingRoundingDoublingHighMul of two int32 values."""
    if a == INT32_MIN and b == INT32_MIN:
        return INT32_MAX
    ab = a * b
    nudged = ab + ((1 << 30) if ab >= 0 else 1 - (1 << 30))
    return nudged >> 31 if nudged >= 0 else -((-nudged) >> 31)


def rounding_divide_by_pot(x: int, exponent: int) -> int:
    """gemmlowp RoundingDivideByPOT of an int32 value, exponent 0 to 31."""
    mask = (1 << exponent) - 1
    return (x >> exponent) + int((x & mask) > (mask >> 1) + (x < 0))


def saturating_multiply_by_pot(x: int, exponent: int) -> int:
    """gemmlowp SaturatingRoundingMultiplyByPOT of an int32 value, exponent either sign."""
    if exponent < 0:
        return rounding_divide_by_pot(x, -exponent)
    return min(max(x << exponent, INT32_MIN), INT32_MAX)


# exp(-2**k) for k = -2 ... 4, raw Q0.31 (gemmlowp's constants)
_EXP_BARREL = (
    (-2, 1672461947),
    (-1, 1302514674),
    (0, 790015084),
    (1, 290630308),
    (2, 39332535),
    (3, 720401),
    (4, 242),
)


def exp_on_negative_values(a: int, integer_bits: int = 5) -> int:
    """exp of a raw number <= 0 with 1 to 5 integer bits, as raw Q0.31; equals gemmlowp exp_on_negative_values."""
    if a == 0:
        return INT32_MAX
    quarter = 1 << (29 - integer_bits)
    a_mod_quarter = (a & (quarter - 1)) - quarter
    result = _exp_between_minus_quarter_and_zero(saturating_multiply_by_pot(a_mod_quarter, integer_bits))
    remainder = a_mod_quarter - a
    for exponent, factor in _EXP_BARREL:
        if exponent < integer_bits and remainder & (1 << (31 - integer_bits + exponent)):
            result = srdhm(result, factor)
    return result


def _exp_between_minus_quarter_and_zero(a: int) -> int:
    exp_minus_eighth, one_third = 1895147668, 715827883
    x = a + (1 << 28)
    x2 = srdhm(x, x)
    x3 = srdhm(x2, x)
    x4_over_4 = rounding_divide_by_pot(srdhm(x2, x2), 2)
    polynomial = rounding_divide_by_pot(srdhm(x4_over_4 + x3, one_third) + x2, 1)
    return exp_minus_eighth + srdhm(exp_minus_eighth, x + polynomial)


def reciprocal_of_sum(total: int, integer_bits: int) -> tuple[int, int]:
    """1 / (total * 2**(integer_bits - 31)) as (raw Q0.31 scale, bits over unit); equals TFLM's GetReciprocal."""
    headroom = 32 - total.bit_length()
    fraction = ((total << headroom) & 0xFFFFFFFF) - (1 << 31)
    return one_over_one_plus_x(fraction), integer_bits - headroom


def two_over_one_plus_x(a: int) -> int:
    """2 / (1 + x) in Q2.29 for x in (0, 1), raw Q0.31: Newton-Raphson from 48/17 - 32/17 d, as gemmlowp has it."""
    half_denominator = (a + INT32_MAX + 1) // 2
    x = 1515870810 + srdhm(half_denominator, -1010580540)
    for _ in range(3):
        error = (1 << 29) - srdhm(half_denominator, x)
        x += saturating_multiply_by_pot(srdhm(x, error), 2)
    return x


def one_over_one_plus_x(a: int) -> int:
    """1 / (1 + x) for x in (0, 1), both raw Q0.31; equals gemmlowp one_over_one_plus_x_for_x_in_0_1."""
    return saturating_multiply_by_pot(two_over_one_plus_x(a), 1)


def round_half_away(x: float) -> int:
    """C's round(): to the nearest integer, halves away from zero."""
    return math.floor(x + 0.5) if x >= 0 else -math.floor(-x + 0.5)


def quantize_float32(value: float, scale: float, zero_point: int) -> int:
    """zero_point + round(value / scale), the division in float32, as TFLM's kernels compute limits."""
    return zero_point + round_half_away(float(np.float32(value) / np.float32(scale)))

"""Functions of one fixed-point number that TFLM computes with integers: logistic, tanh, log, 1 / sqrt.

Each equals gemmlowp's fixedpoint.h or TFLM's common.h to the bit. Numbers are raw int32 values held as Python ints.
"""

from __future__ import annotations

import math

from tinygen.fixedpoint import (
    INT32_MAX,
    exp_on_negative_values,
    one_over_one_plus_x,
    rounding_divide_by_pot,
    saturating_multiply_by_pot,
    srdhm,
    two_over_one_plus_x,
)

_SQRT_HALF = 1518500250  # Q0.31
_FOURTH_ROOT_OF_HALF = 1805811301
_LOG_2 = 1488522236
# coefficients of log's polynomials, Q0.31, f the fourth root of 2: 11/240 f, 2/f - f, f/20, f/4
_NUMERATOR_CUBE, _DENOMINATOR_ONE, _DENOMINATOR_SQUARE, _DENOMINATOR_LINEAR = (
    117049297,
    1057819769,
    127690142,
    638450708,
)


def logistic(a: int) -> int:
    """1 / (1 + exp(-x)) as raw Q0.31 of x in Q4.27; equals gemmlowp's logistic."""
    if a == 0:
        return 1 << 30
    positive = one_over_one_plus_x(exp_on_negative_values(-abs(a), 4))
    return positive if a > 0 else INT32_MAX - positive


def tanh(a: int) -> int:
    """tanh(x) as raw Q0.31 of x in Q4.27; equals gemmlowp's tanh."""
    if a == 0:
        return 0
    # twice x is the same number with one more integer bit
    quotient = two_over_one_plus_x(exp_on_negative_values(-abs(a), 5))
    positive = saturating_multiply_by_pot(quotient - (1 << 29), 2)
    return positive if a > 0 else -positive


def input_scaling(scale: float, integer_bits: int) -> tuple[int, int, int]:
    """(multiplier, left shift, radius): from steps of `scale` to a number of `integer_bits`.

    Inputs of `radius` steps and more leave the format. Equals what LOGISTIC and TANH prepare, with
    CalculateInputRadius (quantization_util.cc); `scale` is 2**-28 or more.
    """
    fraction, shift = math.frexp(scale * (1 << (31 - integer_bits)))
    limit = ((1 << integer_bits) - 1) * (1 << (31 - integer_bits))
    return math.floor(fraction * (1 << 31) + 0.5), shift, math.floor(limit / (1 << shift))


def inverse_sqrt(x: int) -> tuple[int, int]:
    """1 / sqrt(x) of an int32 x >= 0 as (multiplier, shift <= 0), x = 0 like 1.

    Equals GetInvSqrtQuantizedMultiplierExp with a reverse shift of -1: five Newton steps from 1 in Q3.28.
    """
    if x <= 1:
        return INT32_MAX, 0
    right = 11
    while x >= 1 << 29:
        x //= 4
        right += 1
    pairs = (31 - x.bit_length()) // 2 - 1
    right -= pairs
    x <<= 2 * pairs
    half = rounding_divide_by_pot(x >> 1, 1)
    y = 1 << 28
    for _ in range(5):
        cube = saturating_multiply_by_pot(srdhm(srdhm(y, y), y), 6)
        y = saturating_multiply_by_pot(srdhm(3 << 27, y) - srdhm(half, cube), 3)
    y = srdhm(y, _SQRT_HALF)
    return (y << -right, 0) if right < 0 else (y, -right)


def log_of_sum(total: int) -> int:
    """log(x) as raw Q5.26 of x >= 1 in Q12.19; equals log_x_for_x_greater_than_or_equal_to_1<5, 12>.

    x is r times a power of two in steps of a half, r near 2**-0.25; log(r) is a quotient of two polynomials.
    """
    headroom = 31 - total.bit_length()
    by_root = srdhm(total, _SQRT_HALF)
    root_headroom = 31 - by_root.bit_length()
    r = min(
        saturating_multiply_by_pot(srdhm(total << headroom, _SQRT_HALF), 1),
        saturating_multiply_by_pot(total, root_headroom),
    )
    quarter = 1 << 23  # Q6.25, as the power of two
    power = max(((11 - headroom) << 25) + quarter, ((12 - root_headroom) << 25) - quarter)
    p = (r + _FOURTH_ROOT_OF_HALF + 1) >> 1
    q = 2 * (r - _FOURTH_ROOT_OF_HALF)
    square = srdhm(q, q)
    numerator = srdhm(q, r) + srdhm(srdhm(q, square), _NUMERATOR_CUBE)
    factor = _DENOMINATOR_ONE + q + srdhm(_DENOMINATOR_SQUARE, square)
    denominator = srdhm(p, factor) + srdhm(_DENOMINATOR_LINEAR, q)
    quotient = srdhm(rounding_divide_by_pot(numerator, 6), one_over_one_plus_x(denominator))
    return saturating_multiply_by_pot(srdhm(power, _LOG_2) + quotient, 1)

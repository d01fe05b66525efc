/* SPDX-License-Identifier: 0BSD */
/* Fixed-point arithmetic, to the bit as TensorFlow Lite Micro's with double rounding.
 * Its numpy twin is tinygen/fixedpoint.py. */
#ifndef TG_FIXEDPOINT_H
#define TG_FIXEDPOINT_H

#include "tg_kernel.h"

/* round(a * b / 2^31), halves upwards; a and b are not both INT32_MIN */
static inline int32_t tg_multiply_high(int32_t a, int32_t b) {
  const int64_t product = (int64_t)a * b;
  const int64_t nudge = product >= 0 ? (INT64_C(1) << 30) : 1 - (INT64_C(1) << 30);
  return (int32_t)((product + nudge) / (INT64_C(1) << 31));
}

/* round(x / 2^exponent), halves away from zero; 0 <= exponent <= 31 */
static inline int32_t tg_divide_by_pot(int32_t x, int32_t exponent) {
  const int32_t mask = (int32_t)((UINT32_C(1) << exponent) - 1U);
  const int32_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
  return (x >> exponent) + ((x & mask) > threshold ? 1 : 0);
}

/* x * multiplier * 2^(shift - 31), rounded twice: TFLM's MultiplyByQuantizedMultiplier */
static inline int32_t tg_requantize(int32_t x, int32_t multiplier, int32_t shift) {
  if (shift > 0) {
    return tg_multiply_high((int32_t)((uint32_t)x << shift), multiplier);
  }
  return tg_divide_by_pot(tg_multiply_high(x, multiplier), -shift);
}

/* x * multiplier * 2^(shift - 15), rounded once, halves upwards: the same for sums of 64 bits, |x| < 2^47, with a
 * multiplier of 16 bits; -31 <= shift <= 7. What leaves 32 bits is dropped, as TFLM does. */
static inline int32_t tg_requantize64(int64_t x, int32_t multiplier, int32_t shift) {
  const int64_t product = x * multiplier + (INT64_C(1) << (14 - shift));
  return (int32_t)(uint32_t)(uint64_t)(product >> (15 - shift));
}

#endif

/* SPDX-License-Identifier: 0BSD */
/* Fixed-point arithmetic, to the bit as TensorFlow Lite Micro's with double rounding.
 * Its numpy twin is tinygen/fixedpoint.py. */
#ifndef TG_FIXEDPOINT_H
#define TG_FIXEDPOINT_H

#include "tg_kernel.h"

/* Whether a product of 64 bits takes an instruction or two; else it is put together from halves. ESP-IDF's cores can. */
#ifndef TG_LONG_PRODUCT
#if defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_8M_BASE__) || defined(__AVR__) || \
    (defined(__XTENSA__) && !defined(ESP_PLATFORM))
#define TG_LONG_PRODUCT 0
#else
#define TG_LONG_PRODUCT 1
#endif
#endif

/* round(a * b / 2^31), halves upwards; a and b are not both INT32_MIN */
static inline int32_t tg_multiply_high(int32_t a, int32_t b) {
#if TG_LONG_PRODUCT
  return (int32_t)(((int64_t)a * b + (INT64_C(1) << 30)) >> 31);
#else
  const uint16_t a0 = (uint16_t)a;
  const uint16_t b0 = (uint16_t)b;
  const int16_t a1 = (int16_t)(a >> 16);
  const int16_t b1 = (int16_t)(b >> 16);
  const int32_t low = (int32_t)((uint32_t)a0 * b0 >> 16) + (int32_t)a1 * b0;
  const int32_t middle = (low & 0xFFFF) + (int32_t)b1 * a0;
  const int32_t high = (int32_t)a1 * b1 + (low >> 16) + (middle >> 16);
  return 2 * high + (((middle & 0xFFFF) + 0x4000) >> 15);
#endif
}

/* round(x / 2^exponent), halves away from zero; 0 <= exponent <= 31 */
static inline int32_t tg_divide_by_pot(int32_t x, int32_t exponent) {
  const int32_t mask = (int32_t)((UINT32_C(1) << exponent) - 1U);
  const int32_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
  return (x >> exponent) + ((x & mask) > threshold ? 1 : 0);
}

/* x * multiplier * 2^(shift - 31), rounded twice: TFLM's MultiplyByQuantizedMultiplier; -31 <= shift */
static inline int32_t tg_requantize(int32_t x, int32_t multiplier, int32_t shift) {
  if (shift >= 0) {
    return tg_multiply_high((int32_t)((uint32_t)x << shift), multiplier);
  }
  /* a product of these is never INT32_MIN, so that this cannot overflow; tg_divide_by_pot in fewer steps */
  const int32_t product = tg_multiply_high(x, multiplier);
  return (((product + (product >> 31)) >> (-1 - shift)) + 1) >> 1;
}

/* the same for |x * 2^max(shift, 0)| < 2^28 and multiplier >= 0, for which less will do */
static inline int32_t tg_requantize_sum(int32_t x, int32_t multiplier, int32_t shift) {
  if (shift > 0) x = (int32_t)((uint32_t)x << shift);
#if TG_LONG_PRODUCT
  /* two bits more than the product has, to round it by */
  const int32_t product = ((int32_t)(((int64_t)(x * 8) * multiplier) >> 32) + 2) >> 2;
#else
  /* halves, of which one has a sign, so that nothing leaves 32 bits */
  const int32_t x0 = (int16_t)x;
  const int32_t x1 = (x - x0) >> 16;
  const int32_t m0 = (uint16_t)multiplier;
  const int32_t m1 = multiplier >> 16;
  const int32_t middle = x0 * m1 + x1 * m0 + ((x0 * m0) >> 16);
  const int32_t product = 2 * (x1 * m1) + ((middle + 0x4000) >> 15);
#endif
  return shift >= 0 ? product : (((product + (product >> 31)) >> (-1 - shift)) + 1) >> 1;
}

/* x * multiplier * 2^(shift - 15), rounded once, halves upwards: the same for sums of 64 bits, |x| < 2^47, with a
 * multiplier of 16 bits; -31 <= shift <= 7. What leaves 32 bits is dropped, as TFLM does. */
static inline int32_t tg_requantize64(int64_t x, int32_t multiplier, int32_t shift) {
  const int64_t product = x * multiplier + (INT64_C(1) << (14 - shift));
  return (int32_t)(uint32_t)(uint64_t)(product >> (15 - shift));
}

#endif

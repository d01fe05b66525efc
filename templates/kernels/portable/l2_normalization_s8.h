/* SPDX-License-Identifier: 0BSD */
/* L2_NORMALIZATION of rows of depth elements, int8: each row divided by the root of its sum of squares, to steps
 * of 1/128. A row of zeros stays zero. */
#ifndef TG_L2_NORMALIZATION_S8_H
#define TG_L2_NORMALIZATION_S8_H

#include "tg_fixedpoint.h"

typedef struct {
  int32_t depth;
  int32_t input_zero_point;
} tg_l2_normalization_s8_params;

/* x * 2^exponent, saturated; exponent >= 0 */
static inline int32_t tg_l2_normalization_s8_shift(int32_t x, int32_t exponent) {
  const int64_t shifted = (int64_t)x * (INT64_C(1) << exponent);
  return shifted > INT32_MAX ? INT32_MAX : shifted < INT32_MIN ? INT32_MIN : (int32_t)shifted;
}

/* 1 / sqrt(x) as a multiplier of Q0.31 and its shift (<= 0); x >= 0, and 0 counts as 1. Five Newton steps, Q3.28. */
static inline int32_t tg_l2_normalization_s8_inverse_sqrt(int32_t x, int32_t *shift) {
  int32_t right = 11;
  *shift = 0;
  if (x <= 1) {
    return INT32_MAX;
  }
  for (; x >= INT32_C(1) << 29; ++right) {
    x /= 4;
  }
  for (; x < INT32_C(1) << 27; --right) {
    x *= 4;
  }
  const int32_t half = tg_divide_by_pot(x >> 1, 1);
  int32_t r = INT32_C(1) << 28;
  for (int32_t step = 0; step < 5; ++step) {
    const int32_t cube = tg_l2_normalization_s8_shift(tg_multiply_high(tg_multiply_high(r, r), r), 6);
    r = tg_l2_normalization_s8_shift(tg_multiply_high(INT32_C(3) << 27, r) - tg_multiply_high(half, cube), 3);
  }
  r = tg_multiply_high(r, INT32_C(1518500250)); /* sqrt(1/2) */
  if (right < 0) {
    return (int32_t)((uint32_t)r << -right);
  }
  *shift = -right;
  return r;
}

TG_KERNEL void tg_l2_normalization_s8(const tg_l2_normalization_s8_params *p, const tg_input *in, const tg_output *out,
                                      int32_t y0, int32_t y1, void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const int8_t *from = tg_input_row(in, y);
    int8_t *to = tg_output_row(out, y);
    int32_t sum = 0;
    for (int32_t c = 0; c < p->depth; ++c) {
      const int32_t steps = from[c] - p->input_zero_point;
      sum += steps * steps;
    }
    int32_t shift;
    const int32_t multiplier = tg_l2_normalization_s8_inverse_sqrt(sum, &shift);
    for (int32_t c = 0; c < p->depth; ++c) {
      const int32_t scaled = tg_requantize(from[c] - p->input_zero_point, multiplier, shift + 7);
      to[c] = (int8_t)tg_clamp(scaled, INT8_MIN, INT8_MAX);
    }
  }
}

#endif

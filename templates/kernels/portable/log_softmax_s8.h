/* SPDX-License-Identifier: 0BSD */
/* LOG_SOFTMAX over rows of depth elements, int8 in and out, in steps of 1/16 below 0. exp_table[d] is exp of d
 * input steps below the row's maximum, raw Q12.19; differences beyond the table count as 0.
 * softmax_s8.h is included for its reciprocal. */
#ifndef TG_LOG_SOFTMAX_S8_H
#define TG_LOG_SOFTMAX_S8_H

#include "softmax_s8.h"

typedef struct {
  int32_t depth;
  int32_t multiplier, shift;                 /* from input steps to Q5.26 */
  int32_t inverse_multiplier, inverse_shift; /* and back */
  int32_t exp_count;
  const int32_t *exp_table;
} tg_log_softmax_s8_params;

/* zero bits between the sign and the first 1 of x > 0 */
static inline int32_t tg_log_softmax_s8_headroom(int32_t x) {
  int32_t n = 0;
  for (; x < INT32_C(1) << 30; x *= 2) ++n;
  return n;
}

/* x * 2^exponent, saturated; x >= 0, 0 <= exponent <= 30 */
static inline int32_t tg_log_softmax_s8_shift(int32_t x, int32_t exponent) {
  return x > INT32_MAX >> exponent ? INT32_MAX : (int32_t)((uint32_t)x << exponent);
}

/* log(x), raw Q5.26, of x >= 1 in Q12.19: x is r times a power of two in steps of a half, r near 2^-0.25, and
 * log(r) a quotient of polynomials */
static inline int32_t tg_log_softmax_s8_log(int32_t x) {
  const int32_t sqrt_half = INT32_C(1518500250), r_middle = INT32_C(1805811301), quarter = INT32_C(1) << 23;
  const int32_t headroom = tg_log_softmax_s8_headroom(x);
  const int32_t root_headroom = tg_log_softmax_s8_headroom(tg_multiply_high(x, sqrt_half));
  const int32_t r = tg_min(tg_log_softmax_s8_shift(tg_multiply_high(x << headroom, sqrt_half), 1),
                           tg_log_softmax_s8_shift(x, root_headroom));
  const int32_t power = tg_max((11 - headroom) * (INT32_C(1) << 25) + quarter,
                               (12 - root_headroom) * (INT32_C(1) << 25) - quarter); /* Q6.25 */
  const int32_t p = (int32_t)(((int64_t)r + r_middle + 1) / 2);
  const int32_t q = 2 * (r - r_middle);
  const int32_t square = tg_multiply_high(q, q);
  const int32_t numerator =
      tg_multiply_high(q, r) + tg_multiply_high(tg_multiply_high(q, square), INT32_C(117049297));
  const int32_t factor = INT32_C(1057819769) + q + tg_multiply_high(INT32_C(127690142), square);
  const int32_t denominator = tg_multiply_high(p, factor) + tg_multiply_high(INT32_C(638450708), q);
  const int32_t quotient = tg_multiply_high(tg_divide_by_pot(numerator, 6), tg_softmax_s8_reciprocal(denominator));
  return (tg_multiply_high(power, INT32_C(1488522236)) + quotient) * 2;
}

TG_KERNEL void tg_log_softmax_s8(const tg_log_softmax_s8_params *p, const tg_input *in, const tg_output *out,
                                 int32_t y0, int32_t y1, void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const int8_t *from = tg_input_row(in, y);
    int8_t *to = tg_output_row(out, y);
    int32_t highest = INT8_MIN;
    for (int32_t c = 0; c < p->depth; ++c) {
      highest = tg_max(highest, from[c]);
    }
    int32_t sum = 0; /* Q12.19 */
    for (int32_t c = 0; c < p->depth; ++c) {
      const int32_t difference = highest - from[c];
      if (difference < p->exp_count) {
        sum += TG_LOAD_S32(p->exp_table + difference);
      }
    }
    const int32_t log_sum = tg_log_softmax_s8_log(sum);
    /* what difference - log_sum still fits Q5.26 */
    const int32_t lowest = tg_requantize(tg_add_wrap(log_sum, INT32_MIN), p->inverse_multiplier, p->inverse_shift);
    for (int32_t c = 0; c < p->depth; ++c) {
      const int32_t difference = from[c] - highest;
      int32_t score = INT8_MIN;
      if (difference > lowest && -difference < p->exp_count) {
        const int32_t real = tg_requantize(difference, p->multiplier, p->shift);
        score = tg_divide_by_pot(tg_add_wrap(real, -log_sum), 22) + INT8_MAX;
      }
      to[c] = (int8_t)tg_clamp(score, INT8_MIN, INT8_MAX);
    }
  }
}

#endif

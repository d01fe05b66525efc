/* SPDX-License-Identifier: 0BSD */
/* SOFTMAX over rows of depth elements, int8 in and out. exp_table[d] is exp of d input steps below the
 * row's maximum, raw Q0.31; differences beyond the table count as 0. */
#ifndef TG_SOFTMAX_S8_H
#define TG_SOFTMAX_S8_H

#include "tg_fixedpoint.h"

typedef struct {
  int32_t depth;
  int32_t exp_count;
  const int32_t *exp_table;
} tg_softmax_s8_params;

/* 1 / (1 + x), x and the result raw Q0.31, by three Newton-Raphson steps in Q2.29 */
static inline int32_t tg_softmax_s8_reciprocal(int32_t x) {
  const int32_t half_denominator = (int32_t)(((int64_t)x + INT32_MAX + 1) / 2);
  int32_t r = INT32_C(1515870810) + tg_multiply_high(half_denominator, -INT32_C(1010580540));
  for (int32_t step = 0; step < 3; ++step) {
    const int32_t error = (INT32_C(1) << 29) - tg_multiply_high(half_denominator, r);
    r += tg_multiply_high(r, error) * 4;
  }
  return r >= (INT32_C(1) << 30) ? INT32_MAX : r * 2;
}

/* By what an exponential is multiplied that is to be divided by the sum of all, Q12.19: 1 / sum as a raw Q0.31 between a
 * half and 1; and the shift to the right behind it, to 256ths. Above 31 (512 equal classes) every score rounds to 0. */
static inline int32_t tg_softmax_s8_scale(int32_t sum, int32_t *shift) {
  int32_t headroom = 0; /* the leading zeros of sum, at least one */
  for (uint32_t s = (uint32_t)sum; s < UINT32_C(0x80000000); s <<= 1) ++headroom;
  *shift = 12 - headroom + 31 - 8;
  return tg_softmax_s8_reciprocal((int32_t)(((uint32_t)sum << headroom) - UINT32_C(0x80000000)));
}

TG_KERNEL void tg_softmax_s8(const tg_softmax_s8_params *p, const tg_input *in, const tg_output *out, int32_t y0,
                             int32_t y1, void *scratch, void *carry) {
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
        sum += tg_divide_by_pot(TG_LOAD_S32(p->exp_table + difference), 12);
      }
    }
    int32_t shift;
    const int32_t scale = tg_softmax_s8_scale(sum, &shift);
    for (int32_t c = 0; c < p->depth; ++c) {
      const int32_t difference = highest - from[c];
      int32_t score = 0;
      if (difference < p->exp_count && shift <= 31) {
        score = tg_divide_by_pot(tg_multiply_high(scale, TG_LOAD_S32(p->exp_table + difference)), shift);
      }
      to[c] = (int8_t)(tg_min(score, 255) - 128);
    }
  }
}

#endif

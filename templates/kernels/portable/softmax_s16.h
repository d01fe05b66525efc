/* SPDX-License-Identifier: 0BSD */
/* SOFTMAX over rows of depth elements, int16 in and out: exp and 1 / (1 + x) are tables of 513 entries. The output row
 * holds the exponentials meanwhile. */
#ifndef TG_SOFTMAX_S16_H
#define TG_SOFTMAX_S16_H

#include "tg_fixedpoint.h"
#include "tg_lut16.h"

typedef struct {
  int32_t depth;
  int32_t multiplier, shift; /* from input steps to 10/65535 */
  const int16_t *exp_table;
  const int16_t *reciprocal_table;
} tg_softmax_s16_params;

static inline int32_t tg_softmax_s16_saturate(int32_t x) { return tg_clamp(x, INT16_MIN, INT16_MAX); }

TG_KERNEL void tg_softmax_s16(const tg_softmax_s16_params *p, const tg_input *in, const tg_output *out, int32_t y0,
                              int32_t y1, void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const int16_t *from = tg_input_row16(in, y);
    int16_t *to = tg_output_row16(out, y);
    int32_t highest = INT16_MIN;
    for (int32_t c = 0; c < p->depth; ++c) {
      highest = tg_max(highest, from[c]);
    }
    int32_t sum = 0; /* Q16.15, at least 1 */
    for (int32_t c = 0; c < p->depth; ++c) {
      const int32_t scaled = tg_requantize(from[c] - highest, p->multiplier, p->shift);
      to[c] = (int16_t)tg_lut16(p->exp_table, tg_softmax_s16_saturate(scaled + 32767));
      sum += to[c];
    }
    int32_t headroom = 0; /* the leading zeros of sum, at least one */
    for (uint32_t s = (uint32_t)sum; s < UINT32_C(0x80000000); s <<= 1) ++headroom;
    const int32_t fraction = (int32_t)((((int64_t)sum << (headroom - 1)) + (1 << 13)) >> 14);
    const int32_t place = tg_softmax_s16_saturate(fraction - (INT32_C(1) << 15) - (INT32_C(1) << 16));
    const int32_t reciprocal = tg_lut16(p->reciprocal_table, place);
    const int32_t shift = 31 - headroom;
    for (int32_t c = 0; c < p->depth; ++c) {
      const int32_t score = (to[c] * reciprocal + (INT32_C(1) << (shift - 1))) >> shift;
      to[c] = (int16_t)tg_clamp(score, 0, INT16_MAX);
    }
  }
}

#endif

/* SPDX-License-Identifier: 0BSD */
/* RSQRT, int16: 1 / sqrt(x), with the root of l2_normalization_s8.h; of 0 and below the highest output. */
#ifndef TG_RSQRT_S16_H
#define TG_RSQRT_S16_H

#include "l2_normalization_s8.h"

typedef struct {
  int32_t row_elements;
  int32_t multiplier, shift; /* from 2^-20 to output steps */
} tg_rsqrt_s16_params;

static inline int32_t tg_rsqrt_s16_one(const tg_rsqrt_s16_params *p, int32_t x) {
  if (x <= 0) return INT16_MAX;
  int32_t shift;
  const int32_t inverse = tg_l2_normalization_s8_inverse_sqrt(x, &shift);
  const int32_t root = tg_requantize(1, inverse, shift + 20);
  return tg_clamp(tg_requantize(root, p->multiplier, p->shift), INT16_MIN, INT16_MAX);
}

TG_KERNEL void tg_rsqrt_s16(const tg_rsqrt_s16_params *p, const tg_input *in, const tg_output *out, int32_t y0,
                            int32_t y1, void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const int16_t *from = tg_input_row16(in, y);
    int16_t *to = tg_output_row16(out, y);
    for (int32_t i = 0; i < p->row_elements; ++i) {
      to[i] = (int16_t)tg_rsqrt_s16_one(p, from[i]);
    }
  }
}

#endif

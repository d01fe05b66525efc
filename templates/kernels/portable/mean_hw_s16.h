/* SPDX-License-Identifier: 0BSD */
/* MEAN over height and width, int16. The rows y0..y1 are INPUT rows: sums of the channels gather in carry
 * (int32_t[channels]); the block that ends at the last input row writes the output. */
#ifndef TG_MEAN_HW_S16_H
#define TG_MEAN_HW_S16_H

#include "tg_fixedpoint.h"

typedef struct {
  int32_t input_height, input_width, channels;
  int32_t input_zero_sum, output_zero_point; /* 0, as all zero points of int16 */
  int32_t multiplier, shift;
} tg_mean_hw_s16_params;

TG_KERNEL void tg_mean_hw_s16(const tg_mean_hw_s16_params *p, const tg_input *in, const tg_output *out, int32_t y0,
                             int32_t y1, void *scratch, void *carry) {
  int32_t *sum = (int32_t *)carry;
  (void)scratch;
  for (int32_t y = y0; y < y1; ++y) {
    const int16_t *row = tg_input_row16(in, y);
    for (int32_t c = 0; c < p->channels; ++c) {
      int32_t s = y == 0 ? 0 : sum[c];
      for (int32_t x = 0; x < p->input_width; ++x) {
        s += row[x * p->channels + c];
      }
      sum[c] = s;
    }
  }
  if (y1 == p->input_height) {
    int16_t *to = tg_output_row16(out, 0);
    for (int32_t c = 0; c < p->channels; ++c) {
      const int32_t mean = tg_requantize(sum[c], p->multiplier, p->shift);
      to[c] = (int16_t)tg_clamp(mean, INT16_MIN, INT16_MAX);
    }
  }
}

#endif

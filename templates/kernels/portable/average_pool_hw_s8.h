/* SPDX-License-Identifier: 0BSD */
/* AVERAGE_POOL_2D, int8, of one window over height and width. The rows y0..y1 are INPUT rows: sums of the channels
 * gather in carry (int32_t[channels]); the block that ends at the last input row writes the output. */
#ifndef TG_AVERAGE_POOL_HW_S8_H
#define TG_AVERAGE_POOL_HW_S8_H

#include "tg_kernel.h"

typedef struct {
  int32_t input_height, input_width, channels;
  int32_t activation_min, activation_max;
} tg_average_pool_hw_s8_params;

TG_KERNEL void tg_average_pool_hw_s8(const tg_average_pool_hw_s8_params *p, const tg_input *in, const tg_output *out,
                                     int32_t y0, int32_t y1, void *scratch, void *carry) {
  int32_t *sum = (int32_t *)carry;
  (void)scratch;
  for (int32_t y = y0; y < y1; ++y) {
    const int8_t *row = tg_input_row(in, y);
    for (int32_t c = 0; c < p->channels; ++c) {
      int32_t s = y == 0 ? 0 : sum[c];
      for (int32_t x = 0; x < p->input_width; ++x) {
        s += row[x * p->channels + c];
      }
      sum[c] = s;
    }
  }
  if (y1 == p->input_height) {
    const int32_t count = p->input_height * p->input_width;
    int8_t *to = tg_output_row(out, 0);
    for (int32_t c = 0; c < p->channels; ++c) {
      const int32_t mean = (sum[c] > 0 ? sum[c] + count / 2 : sum[c] - count / 2) / count;
      to[c] = (int8_t)tg_clamp(mean, p->activation_min, p->activation_max);
    }
  }
}

#endif

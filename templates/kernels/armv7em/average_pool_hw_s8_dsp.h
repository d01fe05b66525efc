/* SPDX-License-Identifier: 0BSD */
/* AVERAGE_POOL_2D of all of an image, int8, on the DSP extension: four channels at a time, channels a multiple of 4.
 * The rows y0..y1 are INPUT rows: sums of the channels gather in carry (int32_t[channels]); the block that ends at the
 * last input row writes the output. */
#ifndef TG_AVERAGE_POOL_HW_S8_DSP_H
#define TG_AVERAGE_POOL_HW_S8_DSP_H

#include "tg_sum.h"

typedef struct {
  int32_t input_height, input_width, channels;
  int32_t activation_min, activation_max;
} tg_average_pool_hw_s8_dsp_params;

TG_SHARED void tg_average_pool_hw_s8_dsp(const tg_average_pool_hw_s8_dsp_params *p, const tg_input *in,
                                         const tg_output *out, int32_t y0, int32_t y1, void *scratch, void *carry) {
  int32_t *sums = (int32_t *)carry;
  (void)scratch;
  tg_sum_rows(in, y0, y1, p->input_width, p->channels, sums);
  if (y1 == p->input_height) {
    const int32_t count = p->input_height * p->input_width;
    int8_t *to = tg_output_row(out, 0);
    for (int32_t c = 0; c < p->channels; ++c) {
      const int32_t mean = (sums[c] > 0 ? sums[c] + count / 2 : sums[c] - count / 2) / count;
      to[c] = (int8_t)tg_clamp(mean, p->activation_min, p->activation_max);
    }
  }
}

#endif

/* SPDX-License-Identifier: 0BSD */
/* MEAN over height and width, int8, on the DSP extension: four channels at a time, channels a multiple of 4. The rows
 * y0..y1 are INPUT rows: sums of the channels gather in carry (int32_t[channels]); the block that ends at the last input
 * row writes the output. */
#ifndef TG_MEAN_HW_S8_DSP_H
#define TG_MEAN_HW_S8_DSP_H

#include "tg_fixedpoint.h"
#include "tg_sum.h"

typedef struct {
  int32_t input_height, input_width, channels;
  int32_t input_zero_sum; /* zero point x elements of a channel */
  int32_t output_zero_point;
  int32_t multiplier, shift;
} tg_mean_hw_s8_dsp_params;

TG_SHARED void tg_mean_hw_s8_dsp(const tg_mean_hw_s8_dsp_params *p, const tg_input *in, const tg_output *out,
                                 int32_t y0, int32_t y1, void *scratch, void *carry) {
  int32_t *sums = (int32_t *)carry;
  (void)scratch;
  tg_sum_rows(in, y0, y1, p->input_width, p->channels, sums);
  if (y1 == p->input_height) {
    int8_t *to = tg_output_row(out, 0);
    for (int32_t c = 0; c < p->channels; ++c) {
      const int32_t mean = tg_requantize(sums[c] - p->input_zero_sum, p->multiplier, p->shift);
      to[c] = (int8_t)tg_clamp(tg_add_wrap(mean, p->output_zero_point), INT8_MIN, INT8_MAX);
    }
  }
}

#endif

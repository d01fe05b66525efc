/* SPDX-License-Identifier: 0BSD */
/* AVERAGE_POOL_2D, int8, on the DSP extension: four channels at a time, channels a multiple of 4. */
#ifndef TG_AVERAGE_POOL_2D_S8_DSP_H
#define TG_AVERAGE_POOL_2D_S8_DSP_H

#include "tg_sum.h"

typedef struct {
  int32_t input_height, input_width, channels;
  int32_t output_width;
  int32_t window_height, window_width;
  int32_t stride_height, stride_width;
  int32_t pad_top, pad_left;
  int32_t activation_min, activation_max;
} tg_average_pool_2d_s8_dsp_params;

TG_SHARED void tg_average_pool_2d_s8_dsp(const tg_average_pool_2d_s8_dsp_params *p, const tg_input *in,
                                         const tg_output *out, int32_t y0, int32_t y1, void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const int32_t top = y * p->stride_height - p->pad_top;
    const int32_t iy0 = tg_max(top, 0);
    const int32_t iy1 = tg_min(top + p->window_height, p->input_height);
    int8_t *to = tg_output_row(out, y);
    for (int32_t x = 0; x < p->output_width; ++x) {
      const int32_t left = x * p->stride_width - p->pad_left;
      const int32_t ix0 = tg_max(left, 0);
      const int32_t ix1 = tg_min(left + p->window_width, p->input_width);
      const int32_t count = (iy1 - iy0) * (ix1 - ix0);
      for (int32_t c = 0; c < p->channels; c += 4) {
        int32_t sum[4] = {0, 0, 0, 0};
        for (int32_t iy = iy0; iy < iy1; ++iy) {
          const int8_t *row = tg_input_row(in, iy) + c;
          for (int32_t ix = ix0; ix < ix1; ix += 256) {
            tg_sum_pixels(row + ix * p->channels, tg_min(ix1 - ix, 256), p->channels, sum);
          }
        }
        for (int32_t i = 0; i < 4; ++i) {
          const int32_t mean = (sum[i] > 0 ? sum[i] + count / 2 : sum[i] - count / 2) / count;
          *to++ = (int8_t)tg_clamp(mean, p->activation_min, p->activation_max);
        }
      }
    }
  }
}

#endif

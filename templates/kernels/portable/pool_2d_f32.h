/* SPDX-License-Identifier: 0BSD */
/* AVERAGE_POOL_2D and MAX_POOL_2D of floats, NHWC, over the elements inside the input, row by row. */
#ifndef TG_POOL_2D_F32_H
#define TG_POOL_2D_F32_H

#include "tg_float.h"

typedef struct {
  int32_t input_height, input_width, channels;
  int32_t output_width;
  int32_t window_height, window_width;
  int32_t stride_height, stride_width;
  int32_t pad_top, pad_left;
  float activation_min, activation_max;
  int32_t average; /* 0: the largest */
} tg_pool_2d_f32_params;

TG_KERNEL void tg_pool_2d_f32(const tg_pool_2d_f32_params *p, const tg_input *in, const tg_output *out, int32_t y0,
                              int32_t y1, void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const int32_t top = y * p->stride_height - p->pad_top;
    const int32_t iy0 = tg_max(top, 0);
    const int32_t iy1 = tg_min(top + p->window_height, p->input_height);
    float *to = (float *)(void *)tg_output_row(out, y);
    for (int32_t x = 0; x < p->output_width; ++x) {
      const int32_t left = x * p->stride_width - p->pad_left;
      const int32_t ix0 = tg_max(left, 0);
      const int32_t ix1 = tg_min(left + p->window_width, p->input_width);
      for (int32_t c = 0; c < p->channels; ++c) {
        float value = p->average ? 0.0f : -3.40282347e+38f;
        for (int32_t iy = iy0; iy < iy1; ++iy) {
          const float *row = (const float *)(const void *)tg_input_row(in, iy) + c;
          for (int32_t ix = ix0; ix < ix1; ++ix) {
            const float sample = row[ix * p->channels];
            value = p->average ? value + sample : sample > value ? sample : value;
          }
        }
        if (p->average) value = value / (float)((iy1 - iy0) * (ix1 - ix0));
        *to++ = tg_fclamp(value, p->activation_min, p->activation_max);
      }
    }
  }
}

#endif

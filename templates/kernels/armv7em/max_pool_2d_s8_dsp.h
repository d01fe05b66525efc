/* SPDX-License-Identifier: 0BSD */
/* MAX_POOL_2D, int8, on the DSP extension: four channels at a time, channels a multiple of 4. */
#ifndef TG_MAX_POOL_2D_S8_DSP_H
#define TG_MAX_POOL_2D_S8_DSP_H

#include "tg_dsp.h"

typedef struct {
  int32_t input_height, input_width, channels;
  int32_t output_width;
  int32_t window_height, window_width;
  int32_t stride_height, stride_width;
  int32_t pad_top, pad_left;
  int32_t activation_min, activation_max;
} tg_max_pool_2d_s8_dsp_params;

TG_KERNEL void tg_max_pool_2d_s8_dsp(const tg_max_pool_2d_s8_dsp_params *p, const tg_input *in, const tg_output *out,
                                     int32_t y0, int32_t y1, void *scratch, void *carry) {
  const int32_t channels = p->channels;
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const int32_t top = y * p->stride_height - p->pad_top;
    const int32_t iy0 = tg_max(top, 0);
    const int32_t iy1 = tg_min(top + p->window_height, p->input_height);
    const int32_t first = iy0 % in->ring_rows;
    int8_t *to = tg_output_row(out, y);
    for (int32_t x = 0; x < p->output_width; ++x) {
      const int32_t left = x * p->stride_width - p->pad_left;
      const int32_t ix0 = tg_max(left, 0);
      const int32_t columns = tg_min(left + p->window_width, p->input_width) - ix0;
      for (int32_t c = 0; c < channels; c += 4, to += 4) {
        uint32_t highest = 0x80808080U;
        int32_t row = first;
        for (int32_t rows = iy1 - iy0; rows > 0; --rows) {
          const int8_t *from = in->base + row * in->row_bytes + ix0 * channels + c;
          if (++row == in->ring_rows) row = 0;
          for (int32_t n = columns; n > 0; --n, from += channels) highest = tg_max4(tg_load4(from), highest);
        }
        tg_store4(to, highest);
      }
    }
    if (p->activation_min > INT8_MIN || p->activation_max < INT8_MAX) {
      tg_clamp_bytes(tg_output_row(out, y), p->output_width * channels, p->activation_min, p->activation_max);
    }
  }
}

#endif

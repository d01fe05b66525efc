/* SPDX-License-Identifier: 0BSD */
/* PAD, int8, NHWC: pad_value around height, width and channels. */
#ifndef TG_PAD_S8_H
#define TG_PAD_S8_H

#include "tg_kernel.h"

typedef struct {
  int32_t input_height, input_width, input_channels;
  int32_t pad_top, pad_left, pad_right, pad_front, pad_back;
  int32_t pad_value;
} tg_pad_s8_params;

TG_KERNEL void tg_pad_s8(const tg_pad_s8_params *p, const tg_input *in, const tg_output *out, int32_t y0, int32_t y1,
                         void *scratch, void *carry) {
  const int32_t channels = p->pad_front + p->input_channels + p->pad_back;
  const int32_t width = p->pad_left + p->input_width + p->pad_right;
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const int32_t iy = y - p->pad_top;
    int8_t *to = tg_output_row(out, y);
    memset(to, (int)p->pad_value, (size_t)(width * channels));
    if (iy < 0 || iy >= p->input_height) continue;
    const int8_t *from = tg_input_row(in, iy);
    to += p->pad_left * channels + p->pad_front;
    for (int32_t x = 0; x < p->input_width; ++x, from += p->input_channels, to += channels) {
      memcpy(to, from, (size_t)p->input_channels);
    }
  }
}

#endif

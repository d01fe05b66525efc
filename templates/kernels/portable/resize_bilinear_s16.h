/* SPDX-License-Identifier: 0BSD */
/* RESIZE_BILINEAR, int16, NHWC. Output row y lies at start_height + y * step_height in the input, in 1/1024 rows;
 * columns likewise. Positions before the first pixel have it on both sides. */
#ifndef TG_RESIZE_BILINEAR_S16_H
#define TG_RESIZE_BILINEAR_S16_H

#include "tg_kernel.h"

typedef struct {
  int32_t input_height, input_width, channels;
  int32_t output_width;
  int32_t start_height, start_width;
  int32_t step_height, step_width;
} tg_resize_bilinear_s16_params;

TG_KERNEL void tg_resize_bilinear_s16(const tg_resize_bilinear_s16_params *p, const tg_input *in, const tg_output *out,
                                     int32_t y0, int32_t y1, void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const int32_t down = p->start_height + y * p->step_height;
    const int32_t above = tg_max(down, 0) / 1024;
    const int16_t *row0 = tg_input_row16(in, above);
    const int16_t *row1 = tg_input_row16(in, tg_min((down + 1023) / 1024, p->input_height - 1));
    const int32_t dy = down - above * 1024;
    int16_t *to = tg_output_row16(out, y);
    for (int32_t x = 0; x < p->output_width; ++x) {
      const int32_t across = p->start_width + x * p->step_width;
      const int32_t left = tg_max(across, 0) / 1024;
      const int32_t right = tg_min((across + 1023) / 1024, p->input_width - 1);
      const int32_t dx = across - left * 1024;
      const int16_t *left0 = row0 + left * p->channels;
      const int16_t *left1 = row1 + left * p->channels;
      const int16_t *right0 = row0 + right * p->channels;
      const int16_t *right1 = row1 + right * p->channels;
      for (int32_t c = 0; c < p->channels; ++c) {
        const int32_t sum0 = left0[c] * (1024 - dx) + right0[c] * dx;
        const int32_t sum1 = left1[c] * (1024 - dx) + right1[c] * dx;
        const int64_t sum = (int64_t)sum0 * (1024 - dy) + (int64_t)sum1 * dy;
        const int64_t half = INT64_C(1) << 19;
        *to++ = (int16_t)((sum > 0 ? sum + half : sum - half) / (INT64_C(1) << 20));
      }
    }
  }
}

#endif

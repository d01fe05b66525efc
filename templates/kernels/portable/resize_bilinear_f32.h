/* SPDX-License-Identifier: 0BSD */
/* RESIZE_BILINEAR of floats, NHWC. Output row y lies row_part[y] of the way from input row row_before[y] to
 * row_behind[y]; columns likewise. */
#ifndef TG_RESIZE_BILINEAR_F32_H
#define TG_RESIZE_BILINEAR_F32_H

#include "tg_float.h"

typedef struct {
  int32_t channels, output_width;
  const int32_t *row_before;
  const int32_t *row_behind;
  const float *row_part;
  const int32_t *column_before;
  const int32_t *column_behind;
  const float *column_part;
} tg_resize_bilinear_f32_params;

TG_KERNEL void tg_resize_bilinear_f32(const tg_resize_bilinear_f32_params *p, const tg_input *in, const tg_output *out,
                                      int32_t y0, int32_t y1, void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const float *above = (const float *)(const void *)tg_input_row(in, TG_LOAD_S32(p->row_before + y));
    const float *under = (const float *)(const void *)tg_input_row(in, TG_LOAD_S32(p->row_behind + y));
    const float dy = TG_LOAD_F32(p->row_part + y);
    float *to = (float *)(void *)tg_output_row(out, y);
    for (int32_t x = 0; x < p->output_width; ++x) {
      const int32_t left = TG_LOAD_S32(p->column_before + x) * p->channels;
      const int32_t right = TG_LOAD_S32(p->column_behind + x) * p->channels;
      const float dx = TG_LOAD_F32(p->column_part + x);
      for (int32_t c = 0; c < p->channels; ++c) {
        const float above_left = above[left + c] * (1.0f - dy) * (1.0f - dx);
        const float under_left = under[left + c] * dy * (1.0f - dx);
        const float above_right = above[right + c] * (1.0f - dy) * dx;
        const float under_right = under[right + c] * dy * dx;
        *to++ = above_left + under_left + above_right + under_right;
      }
    }
  }
}

#endif

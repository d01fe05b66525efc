/* SPDX-License-Identifier: 0BSD */
/* L2_NORMALIZATION of rows of depth floats: each row divided by the root of its sum of squares, or by 1e-6. */
#ifndef TG_L2_NORMALIZATION_F32_H
#define TG_L2_NORMALIZATION_F32_H

#include "tg_float.h"

typedef struct {
  int32_t depth;
} tg_l2_normalization_f32_params;

TG_KERNEL void tg_l2_normalization_f32(const tg_l2_normalization_f32_params *p, const tg_input *in,
                                       const tg_output *out, int32_t y0, int32_t y1, void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const float *from = (const float *)(const void *)tg_input_row(in, y);
    float *to = (float *)(void *)tg_output_row(out, y);
    float sum = 0.0f;
    for (int32_t c = 0; c < p->depth; ++c) {
      sum = sum + from[c] * from[c];
    }
    const float root = tg_sqrt(sum);
    const float norm = root < 1e-6f ? 1e-6f : root;
    for (int32_t c = 0; c < p->depth; ++c) {
      to[c] = from[c] / norm;
    }
  }
}

#endif

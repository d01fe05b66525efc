/* SPDX-License-Identifier: 0BSD */
/* FULLY_CONNECTED of floats; weights [output_depth][input_depth]. Sums go from the first input to the last, the bias
 * comes behind. */
#ifndef TG_FULLY_CONNECTED_F32_H
#define TG_FULLY_CONNECTED_F32_H

#include "tg_float.h"

typedef struct {
  int32_t input_depth, output_depth;
  float activation_min, activation_max;
  const float *weights;
  const float *bias;
} tg_fully_connected_f32_params;

TG_KERNEL void tg_fully_connected_f32(const tg_fully_connected_f32_params *p, const tg_input *in, const tg_output *out,
                                      int32_t y0, int32_t y1, void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const float *from = (const float *)(const void *)tg_input_row(in, y);
    float *to = (float *)(void *)tg_output_row(out, y);
    for (int32_t c = 0; c < p->output_depth; ++c) {
      const float *w = p->weights + c * p->input_depth;
      float sum = 0.0f;
      for (int32_t i = 0; i < p->input_depth; ++i) {
        sum = sum + from[i] * TG_LOAD_F32(w + i);
      }
      to[c] = tg_fclamp(sum + TG_LOAD_F32(p->bias + c), p->activation_min, p->activation_max);
    }
  }
}

#endif

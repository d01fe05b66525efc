/* SPDX-License-Identifier: 0BSD */
/* SOFTMAX and LOG_SOFTMAX over rows of depth floats; the sum goes from the first element to the last. */
#ifndef TG_SOFTMAX_F32_H
#define TG_SOFTMAX_F32_H

#include "tg_float.h"

typedef struct {
  int32_t depth;
  float beta;
  int32_t logarithm; /* 1: LOG_SOFTMAX */
} tg_softmax_f32_params;

TG_KERNEL void tg_softmax_f32(const tg_softmax_f32_params *p, const tg_input *in, const tg_output *out, int32_t y0,
                              int32_t y1, void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const float *from = (const float *)(const void *)tg_input_row(in, y);
    float *to = (float *)(void *)tg_output_row(out, y);
    float highest = from[0];
    for (int32_t c = 1; c < p->depth; ++c) {
      if (from[c] > highest) highest = from[c];
    }
    float sum = 0.0f;
    for (int32_t c = 0; c < p->depth; ++c) {
      const float difference = from[c] - highest;
      const float e = tg_exp(difference * p->beta);
      to[c] = p->logarithm ? difference : e;
      sum = sum + e;
    }
    const float log_sum = p->logarithm ? tg_log(sum) : 0.0f;
    for (int32_t c = 0; c < p->depth; ++c) {
      to[c] = p->logarithm ? to[c] - log_sum : to[c] / sum;
    }
  }
}

#endif

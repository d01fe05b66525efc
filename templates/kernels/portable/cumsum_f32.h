/* SPDX-License-Identifier: 0BSD */
/* CUMSUM of floats: a row is elements x inner, summed along elements from 0 on. */
#ifndef TG_CUMSUM_F32_H
#define TG_CUMSUM_F32_H

#include "tg_float.h"

typedef struct {
  int32_t elements, inner;
  int32_t exclusive, reverse;
} tg_cumsum_f32_params;

TG_KERNEL void tg_cumsum_f32(const tg_cumsum_f32_params *p, const tg_input *in, const tg_output *out, int32_t y0,
                             int32_t y1, void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const float *row = (const float *)(const void *)tg_input_row(in, y);
    float *to = (float *)(void *)tg_output_row(out, y);
    for (int32_t c = 0; c < p->inner; ++c) {
      float sum = 0.0f;
      for (int32_t i = 0; i < p->elements; ++i) {
        const int32_t at = (p->reverse ? p->elements - 1 - i : i) * p->inner + c;
        const float before = sum;
        sum = sum + row[at];
        to[at] = p->exclusive ? before : sum;
      }
    }
  }
}

#endif

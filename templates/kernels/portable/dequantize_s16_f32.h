/* SPDX-License-Identifier: 0BSD */
/* DEQUANTIZE, int16 to float: scale * x. */
#ifndef TG_DEQUANTIZE_S16_F32_H
#define TG_DEQUANTIZE_S16_F32_H

#include "tg_kernel.h"

typedef struct {
  int32_t row_elements;
  float scale;
} tg_dequantize_s16_f32_params;

TG_KERNEL void tg_dequantize_s16_f32(const tg_dequantize_s16_f32_params *p, const tg_input *in, const tg_output *out,
                                     int32_t y0, int32_t y1, void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const int16_t *from = tg_input_row16(in, y);
    float *to = (float *)(void *)tg_output_row(out, y);
    for (int32_t i = 0; i < p->row_elements; ++i) {
      to[i] = p->scale * (float)from[i];
    }
  }
}

#endif

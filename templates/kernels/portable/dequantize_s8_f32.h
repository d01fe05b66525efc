/* SPDX-License-Identifier: 0BSD */
/* DEQUANTIZE, int8 or uint8 to float: scale * (x - zero_point). */
#ifndef TG_DEQUANTIZE_S8_F32_H
#define TG_DEQUANTIZE_S8_F32_H

#include "tg_kernel.h"

typedef struct {
  int32_t row_elements;
  float scale;
  int32_t zero_point;
  int32_t is_unsigned; /* 1: the bytes are uint8 */
} tg_dequantize_s8_f32_params;

TG_KERNEL void tg_dequantize_s8_f32(const tg_dequantize_s8_f32_params *p, const tg_input *in, const tg_output *out,
                                    int32_t y0, int32_t y1, void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const int8_t *from = tg_input_row(in, y);
    float *to = (float *)(void *)tg_output_row(out, y);
    for (int32_t i = 0; i < p->row_elements; ++i) {
      const int32_t q = p->is_unsigned ? (uint8_t)from[i] : from[i];
      to[i] = p->scale * (float)(q - p->zero_point);
    }
  }
}

#endif

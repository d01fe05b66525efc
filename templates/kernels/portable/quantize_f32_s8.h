/* SPDX-License-Identifier: 0BSD */
/* QUANTIZE, float to int8: round(x / scale) + zero_point, halves away from zero, saturated; NaN gives the
 * zero point. */
#ifndef TG_QUANTIZE_F32_S8_H
#define TG_QUANTIZE_F32_S8_H

#include "tg_kernel.h"

typedef struct {
  int32_t row_elements;
  float scale;
  int32_t zero_point;
} tg_quantize_f32_s8_params;

static inline int32_t tg_quantize_f32_s8_round(float steps) {
  if (!(steps > -512.0f)) return steps <= -512.0f ? -512 : 0;
  if (steps > 512.0f) return 512;
  const int32_t whole = (int32_t)steps;
  const float rest = steps - (float)whole; /* exact, unlike steps + 0.5f */
  return rest >= 0.5f ? whole + 1 : rest <= -0.5f ? whole - 1 : whole;
}

TG_KERNEL void tg_quantize_f32_s8(const tg_quantize_f32_s8_params *p, const tg_input *in, const tg_output *out,
                                  int32_t y0, int32_t y1, void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const float *from = (const float *)(const void *)tg_input_row(in, y);
    int8_t *to = tg_output_row(out, y);
    for (int32_t i = 0; i < p->row_elements; ++i) {
      const int32_t q = tg_quantize_f32_s8_round(from[i] / p->scale) + p->zero_point;
      to[i] = (int8_t)tg_clamp(q, INT8_MIN, INT8_MAX);
    }
  }
}

#endif

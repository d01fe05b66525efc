/* SPDX-License-Identifier: 0BSD */
/* QUANTIZE, float to int16: round(x / scale), halves away from zero, saturated; NaN gives 0. */
#ifndef TG_QUANTIZE_F32_S16_H
#define TG_QUANTIZE_F32_S16_H

#include "tg_kernel.h"

typedef struct {
  int32_t row_elements;
  float scale;
} tg_quantize_f32_s16_params;

static inline int32_t tg_quantize_f32_s16_round(float steps) {
  if (!(steps > -32768.0f)) return steps <= -32768.0f ? INT16_MIN : 0;
  if (steps >= 32767.0f) return INT16_MAX;
  const int32_t whole = (int32_t)steps;
  const float rest = steps - (float)whole; /* exact, unlike steps + 0.5f */
  return rest >= 0.5f ? whole + 1 : rest <= -0.5f ? whole - 1 : whole;
}

TG_KERNEL void tg_quantize_f32_s16(const tg_quantize_f32_s16_params *p, const tg_input *in, const tg_output *out,
                                   int32_t y0, int32_t y1, void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const float *from = (const float *)(const void *)tg_input_row(in, y);
    int16_t *to = tg_output_row16(out, y);
    for (int32_t i = 0; i < p->row_elements; ++i) {
      to[i] = (int16_t)tg_quantize_f32_s16_round(from[i] / p->scale);
    }
  }
}

#endif

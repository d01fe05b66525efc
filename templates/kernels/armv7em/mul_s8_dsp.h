/* SPDX-License-Identifier: 0BSD */
/* MUL, int8, on the DSP extension, of inputs whose channels are not repeated; an input may be repeated over the columns
 * of a row. The multiplier is twice TFLite's less 2^32, factor = 2^(32 - right shift). */
#ifndef TG_MUL_S8_DSP_H
#define TG_MUL_S8_DSP_H

#include "tg_dsp.h"

typedef struct {
  int32_t columns, channels; /* of a row, which is one column where nothing is repeated */
  int32_t column_step[2];    /* of each input: channels, or 0 where it is repeated */
  int32_t input1_zero_point, input2_zero_point, output_zero_point;
  int32_t multiplier, factor;
  int32_t activation_min, activation_max;
} tg_mul_s8_dsp_params;

static inline int8_t tg_mul_s8_dsp_one(const tg_mul_s8_dsp_params *p, int32_t a, int32_t b) {
  const int32_t product = (a - p->input1_zero_point) * (b - p->input2_zero_point);
  return (int8_t)tg_requantize_dsp_sum(product, p->multiplier, p->factor, p->output_zero_point, 0);
}

TG_SHARED void tg_mul_s8_dsp(const tg_mul_s8_dsp_params *params, const tg_input *in1, const tg_input *in2,
                             const tg_output *out, int32_t y0, int32_t y1, void *scratch, void *carry) {
  const tg_mul_s8_dsp_params p = *params;
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    int8_t *to = tg_output_row(out, y);
    for (int32_t x = 0; x < p.columns; ++x) {
      const int8_t *a = tg_input_row(in1, y) + x * p.column_step[0];
      const int8_t *b = tg_input_row(in2, y) + x * p.column_step[1];
      int32_t n = p.channels;
      for (; n >= 2; n -= 2, a += 2, b += 2, to += 2) {
        const int32_t a1 = a[1]; /* before the store: the output may be one of the inputs */
        const int32_t b1 = b[1];
        to[0] = tg_mul_s8_dsp_one(&p, a[0], b[0]);
        to[1] = tg_mul_s8_dsp_one(&p, a1, b1);
      }
      if (n > 0) *to++ = tg_mul_s8_dsp_one(&p, *a, *b);
    }
    if (p.activation_min > INT8_MIN || p.activation_max < INT8_MAX) {
      tg_clamp_bytes(tg_output_row(out, y), p.columns * p.channels, p.activation_min, p.activation_max);
    }
  }
}

#endif

/* SPDX-License-Identifier: 0BSD */
/* ADD of rows of the same length, int8, on the DSP extension, without add_s8_dsp's table. The input of the larger
 * scale, b, counts exactly 2^19 per step; the other one, a, is rescaled like an accumulator. */
#ifndef TG_ADD_COMPUTED_S8_DSP_H
#define TG_ADD_COMPUTED_S8_DSP_H

#include "tg_dsp.h"

typedef struct {
  int32_t row_elements;
  int32_t swapped; /* a is the second input */
  int32_t a_step, a_offset, a_multiplier, a_factor; /* twice what goes to the multiplier: 2^21 per step of a, or 2^23 */
  int32_t b_offset;
  int32_t output_zero_point, multiplier, factor;
  int32_t activation_min, activation_max;
} tg_add_computed_s8_dsp_params;

static inline int32_t tg_add_computed_s8_dsp_one(const tg_add_computed_s8_dsp_params *p, int32_t a, int32_t b) {
  int32_t x = tg_smmulr(p->a_offset + a * p->a_step, p->a_multiplier);
  x += x >> 31;
  x = tg_smmlar(x, p->a_factor, p->b_offset + b * (INT32_C(1) << 19));
  return tg_requantize_dsp(x * 2, p->multiplier, p->factor, p->output_zero_point, 0);
}

TG_SHARED void tg_add_computed_s8_dsp(const tg_add_computed_s8_dsp_params *params, const tg_input *in1,
                                      const tg_input *in2, const tg_output *out, int32_t y0, int32_t y1,
                                      void *scratch, void *carry) {
  const tg_add_computed_s8_dsp_params p = *params;
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const int8_t *a = tg_input_row(p.swapped ? in2 : in1, y);
    const int8_t *b = tg_input_row(p.swapped ? in1 : in2, y);
    int8_t *to = tg_output_row(out, y);
    int32_t n = p.row_elements;
    for (; n >= 2; n -= 2, a += 2, b += 2, to += 2) {
      const int32_t a1 = a[1]; /* before the store: the output may be one of the inputs */
      const int32_t b1 = b[1];
      to[0] = (int8_t)tg_add_computed_s8_dsp_one(&p, a[0], b[0]);
      to[1] = (int8_t)tg_add_computed_s8_dsp_one(&p, a1, b1);
    }
    if (n > 0) *to = (int8_t)tg_add_computed_s8_dsp_one(&p, *a, *b);
    if (p.activation_min > INT8_MIN || p.activation_max < INT8_MAX) {
      tg_clamp_bytes(tg_output_row(out, y), p.row_elements, p.activation_min, p.activation_max);
    }
  }
}

#endif

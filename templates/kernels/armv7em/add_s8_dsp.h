/* SPDX-License-Identifier: 0BSD */
/* ADD and SUB of rows of the same length, int8, on the DSP extension. The input of the larger scale, b, counts exactly
 * 2^19 per step; of the other one, a, twice the rescaled value (with the zero points of both in it) is a table. */
#ifndef TG_ADD_S8_DSP_H
#define TG_ADD_S8_DSP_H

#include "tg_dsp.h"

typedef struct {
  int32_t row_elements;
  int32_t swapped; /* a is the second input */
  int32_t step;    /* twice what b counts per step: 2^20, or -2^20 */
  int32_t output_zero_point, multiplier, factor;
  int32_t activation_min, activation_max;
  const int32_t *table; /* by a as an unsigned byte */
} tg_add_s8_dsp_params;

TG_SHARED void tg_add_s8_dsp(const tg_add_s8_dsp_params *p, const tg_input *in1, const tg_input *in2,
                             const tg_output *out, int32_t y0, int32_t y1, void *scratch, void *carry) {
  const int32_t *table = p->table;
  const int32_t zero_point = p->output_zero_point;
  const int32_t multiplier = p->multiplier;
  const int32_t factor = p->factor;
  const int32_t step = p->step;
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const int8_t *a = tg_input_row(p->swapped ? in2 : in1, y);
    const int8_t *b = tg_input_row(p->swapped ? in1 : in2, y);
    int8_t *to = tg_output_row(out, y);
    int32_t n = p->row_elements;
    for (; n >= 4; n -= 4, a += 4, b += 4, to += 4) {
      const uint32_t x = tg_load4(a);
      const uint32_t z = tg_load4(b);
      const int32_t s0 = table[x & 0xFFU] + (int8_t)z * step;
      const int32_t s1 = table[x >> 8 & 0xFFU] + (int8_t)(z >> 8) * step;
      const int32_t s2 = table[x >> 16 & 0xFFU] + (int8_t)(z >> 16) * step;
      const int32_t s3 = table[x >> 24] + (int8_t)(z >> 24) * step;
      to[0] = (int8_t)tg_requantize_dsp(s0, multiplier, factor, zero_point, 0);
      to[1] = (int8_t)tg_requantize_dsp(s1, multiplier, factor, zero_point, 0);
      to[2] = (int8_t)tg_requantize_dsp(s2, multiplier, factor, zero_point, 0);
      to[3] = (int8_t)tg_requantize_dsp(s3, multiplier, factor, zero_point, 0);
    }
    for (; n > 0; --n) {
      *to++ = (int8_t)tg_requantize_dsp(table[(uint8_t)*a++] + *b++ * step, multiplier, factor, zero_point, 0);
    }
    if (p->activation_min > INT8_MIN || p->activation_max < INT8_MAX) {
      tg_clamp_bytes(tg_output_row(out, y), p->row_elements, p->activation_min, p->activation_max);
    }
  }
}

#endif

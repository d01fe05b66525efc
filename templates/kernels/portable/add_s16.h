/* SPDX-License-Identifier: 0BSD */
/* ADD and SUB, int16, with broadcasting. All zero points are 0. */
#ifndef TG_ADD_S16_H
#define TG_ADD_S16_H

#include "tg_broadcast.h"
#include "tg_fixedpoint.h"

typedef struct {
  tg_walk walk;
  int32_t input1_zero_point, input1_multiplier, input1_shift;
  int32_t input2_zero_point, input2_multiplier, input2_shift;
  int32_t input2_sign; /* -1 subtracts; the multiplier cannot be negative, since halves are rounded upwards */
  int32_t output_zero_point, output_multiplier, output_shift;
  int32_t activation_min, activation_max;
} tg_add_s16_params;

static inline int32_t tg_add_s16_element(const void *params, int32_t a, int32_t b) {
  const tg_add_s16_params *p = (const tg_add_s16_params *)params;
  int32_t sum = tg_requantize(a * (INT32_C(1) << 15), p->input1_multiplier, p->input1_shift);
  sum += p->input2_sign * tg_requantize(b * (INT32_C(1) << 15), p->input2_multiplier, p->input2_shift);
  return tg_clamp(tg_requantize(sum, p->output_multiplier, p->output_shift), p->activation_min, p->activation_max);
}

TG_KERNEL void tg_add_s16(const tg_add_s16_params *p, const tg_input *in1, const tg_input *in2, const tg_output *out,
                          int32_t y0, int32_t y1, void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  tg_broadcast16(&p->walk, tg_add_s16_element, p, in1, in2, out, y0, y1);
}

#endif

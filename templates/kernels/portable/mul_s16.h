/* SPDX-License-Identifier: 0BSD */
/* MUL, int16, with broadcasting. All zero points are 0. */
#ifndef TG_MUL_S16_H
#define TG_MUL_S16_H

#include "tg_broadcast.h"
#include "tg_fixedpoint.h"

typedef struct {
  tg_walk walk;
  int32_t input1_zero_point, input2_zero_point, output_zero_point;
  int32_t multiplier, shift;
  int32_t activation_min, activation_max;
} tg_mul_s16_params;

static inline int32_t tg_mul_s16_element(const void *params, int32_t a, int32_t b) {
  const tg_mul_s16_params *p = (const tg_mul_s16_params *)params;
  return tg_clamp(tg_requantize(a * b, p->multiplier, p->shift), p->activation_min, p->activation_max);
}

TG_KERNEL void tg_mul_s16(const tg_mul_s16_params *p, const tg_input *in1, const tg_input *in2, const tg_output *out,
                          int32_t y0, int32_t y1, void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  tg_broadcast16(&p->walk, tg_mul_s16_element, p, in1, in2, out, y0, y1);
}

#endif

/* SPDX-License-Identifier: 0BSD */
/* SQUARED_DIFFERENCE, int16, with broadcasting. All zero points are 0. */
#ifndef TG_SQUARED_DIFFERENCE_S16_H
#define TG_SQUARED_DIFFERENCE_S16_H

#include "tg_broadcast.h"
#include "tg_fixedpoint.h"

typedef struct {
  tg_walk walk;
  int32_t input1_zero_point, input1_multiplier, input1_shift;
  int32_t input2_zero_point, input2_multiplier, input2_shift;
  int32_t output_zero_point, output_multiplier, output_shift;
} tg_squared_difference_s16_params;

static inline int32_t tg_squared_difference_s16_element(const void *params, int32_t a, int32_t b) {
  const tg_squared_difference_s16_params *p = (const tg_squared_difference_s16_params *)params;
  /* both multipliers are at most a half: the difference is at most 2^15, its square 2^30 */
  const int32_t difference = tg_requantize(a, p->input1_multiplier, p->input1_shift) -
                             tg_requantize(b, p->input2_multiplier, p->input2_shift);
  const int32_t scaled = tg_requantize(difference * difference, p->output_multiplier, p->output_shift);
  return tg_clamp(scaled, INT16_MIN, INT16_MAX);
}

TG_KERNEL void tg_squared_difference_s16(const tg_squared_difference_s16_params *p, const tg_input *in1,
                                         const tg_input *in2, const tg_output *out, int32_t y0, int32_t y1,
                                         void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  tg_broadcast16(&p->walk, tg_squared_difference_s16_element, p, in1, in2, out, y0, y1);
}

#endif

/* SPDX-License-Identifier: 0BSD */
/* SQUARED_DIFFERENCE, int8, with broadcasting. */
#ifndef TG_SQUARED_DIFFERENCE_S8_H
#define TG_SQUARED_DIFFERENCE_S8_H

#include "tg_broadcast.h"
#include "tg_fixedpoint.h"

typedef struct {
  tg_walk walk;
  int32_t input1_zero_point, input1_multiplier, input1_shift;
  int32_t input2_zero_point, input2_multiplier, input2_shift;
  int32_t output_zero_point, output_multiplier, output_shift;
} tg_squared_difference_s8_params;

static inline int32_t tg_squared_difference_s8_element(const void *params, int32_t a, int32_t b) {
  const tg_squared_difference_s8_params *p = (const tg_squared_difference_s8_params *)params;
  const int32_t a_offset = (a - p->input1_zero_point) * 128;
  const int32_t b_offset = (b - p->input2_zero_point) * 128;
  /* both multipliers are at most a half: the difference stays below 2^15, its square below 2^30 */
  const int32_t difference = tg_requantize(a_offset, p->input1_multiplier, p->input1_shift) -
                             tg_requantize(b_offset, p->input2_multiplier, p->input2_shift);
  const int32_t scaled = tg_requantize(difference * difference, p->output_multiplier, p->output_shift);
  return tg_clamp(tg_add_wrap(scaled, p->output_zero_point), INT8_MIN, INT8_MAX);
}

TG_KERNEL void tg_squared_difference_s8(const tg_squared_difference_s8_params *p, const tg_input *in1,
                                        const tg_input *in2, const tg_output *out, int32_t y0, int32_t y1,
                                        void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  tg_broadcast(&p->walk, tg_squared_difference_s8_element, p, in1, in2, out, y0, y1);
}

#endif

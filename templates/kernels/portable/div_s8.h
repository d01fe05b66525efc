/* SPDX-License-Identifier: 0BSD */
/* DIV, int8, with broadcasting. What is divided by zero saturates by its sign, 0 / 0 is 0. */
#ifndef TG_DIV_S8_H
#define TG_DIV_S8_H

#include "tg_broadcast.h"
#include "tg_fixedpoint.h"

typedef struct {
  tg_walk walk;
  int32_t input1_zero_point, input2_zero_point, output_zero_point;
  int32_t multiplier, shift;
  int32_t activation_min, activation_max;
  const int32_t *reciprocals; /* of 1, 2, 3 ... as mantissas: 2^31 / d * 2^(bits of d - 1) */
} tg_div_s8_params;

/* how many bits a number below 256 needs */
static inline int32_t tg_div_s8_bits(int32_t x) {
  int32_t bits = 0;
  for (; x > 0; x >>= 1) ++bits;
  return bits;
}

/* n / d in steps of the output, far beyond int8 where it saturates; n, d in -255..255 */
static inline int32_t tg_div_s8_quotient(const tg_div_s8_params *p, int32_t n, int32_t d) {
  const int32_t outside = INT32_C(1) << 16;
  if (d == 0) return n > 0 ? outside : n < 0 ? -outside : 0;
  if (d < 0) {
    n = -n;
    d = -d;
  }
  const int32_t headroom = 31 - tg_div_s8_bits(n < 0 ? -n - 1 : n);
  const int32_t mantissa = (int32_t)((uint32_t)n << headroom);
  const int32_t right_shift = tg_div_s8_bits(d) - 1 + headroom - p->shift;
  if (right_shift > 31) return 0; /* less than half a step */
  int32_t quotient = tg_multiply_high(mantissa, TG_LOAD_S32(p->reciprocals + d - 1));
  quotient = tg_divide_by_pot(tg_multiply_high(quotient, p->multiplier), tg_max(right_shift, 0));
  return tg_clamp(quotient, -outside, outside);
}

static inline int32_t tg_div_s8_element(const void *params, int32_t a, int32_t b) {
  const tg_div_s8_params *p = (const tg_div_s8_params *)params;
  const int32_t quotient = tg_div_s8_quotient(p, a - p->input1_zero_point, b - p->input2_zero_point);
  return tg_clamp(quotient + p->output_zero_point, p->activation_min, p->activation_max);
}

TG_KERNEL void tg_div_s8(const tg_div_s8_params *p, const tg_input *in1, const tg_input *in2, const tg_output *out,
                         int32_t y0, int32_t y1, void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  tg_broadcast(&p->walk, tg_div_s8_element, p, in1, in2, out, y0, y1);
}

#endif

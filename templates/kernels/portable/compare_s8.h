/* SPDX-License-Identifier: 0BSD */
/* EQUAL, LESS and the other comparisons of two int8 tensors, with broadcasting; a bool is a byte, 0 or 1.
 * For each value of the first input the second one's values that make it true are an interval, found by trying all
 * at generation time: no rescaling is left to do here. */
#ifndef TG_COMPARE_S8_H
#define TG_COMPARE_S8_H

#include "tg_broadcast.h"

typedef struct {
  tg_walk walk;
  int32_t inverted;      /* 1: true outside of the interval */
  const int8_t *lowest;  /* of the interval, for -128 to 127 of the first input */
  const int8_t *highest; /* below lowest where the interval is empty */
} tg_compare_s8_params;

static inline int32_t tg_compare_s8_element(const void *params, int32_t a, int32_t b) {
  const tg_compare_s8_params *p = (const tg_compare_s8_params *)params;
  const int32_t inside = b >= TG_LOAD_S8(p->lowest + a + 128) && b <= TG_LOAD_S8(p->highest + a + 128);
  return inside ^ p->inverted;
}

TG_KERNEL void tg_compare_s8(const tg_compare_s8_params *p, const tg_input *in1, const tg_input *in2,
                             const tg_output *out, int32_t y0, int32_t y1, void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  tg_broadcast(&p->walk, tg_compare_s8_element, p, in1, in2, out, y0, y1);
}

#endif

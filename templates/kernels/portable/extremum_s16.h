/* SPDX-License-Identifier: 0BSD */
/* MAXIMUM and MINIMUM of two int16 tensors of the same quantization, with broadcasting. */
#ifndef TG_EXTREMUM_S16_H
#define TG_EXTREMUM_S16_H

#include "tg_broadcast.h"

typedef struct {
  tg_walk walk;
  int32_t largest; /* 1: MAXIMUM, 0: MINIMUM */
} tg_extremum_s16_params;

static inline int32_t tg_extremum_s16_element(const void *params, int32_t a, int32_t b) {
  const tg_extremum_s16_params *p = (const tg_extremum_s16_params *)params;
  return p->largest ? tg_max(a, b) : tg_min(a, b);
}

TG_KERNEL void tg_extremum_s16(const tg_extremum_s16_params *p, const tg_input *in1, const tg_input *in2,
                              const tg_output *out, int32_t y0, int32_t y1, void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  tg_broadcast16(&p->walk, tg_extremum_s16_element, p, in1, in2, out, y0, y1);
}

#endif

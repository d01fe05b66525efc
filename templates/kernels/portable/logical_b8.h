/* SPDX-License-Identifier: 0BSD */
/* LOGICAL_AND and every other function of two bools, with broadcasting; a bool is a byte, any but 0 is true. */
#ifndef TG_LOGICAL_B8_H
#define TG_LOGICAL_B8_H

#include "tg_broadcast.h"

typedef struct {
  tg_walk walk;
  int32_t truth; /* bit 2 * a + b is the answer */
} tg_logical_b8_params;

static inline int32_t tg_logical_b8_element(const void *params, int32_t a, int32_t b) {
  const tg_logical_b8_params *p = (const tg_logical_b8_params *)params;
  return (p->truth >> ((a ? 2 : 0) + (b ? 1 : 0))) & 1;
}

TG_KERNEL void tg_logical_b8(const tg_logical_b8_params *p, const tg_input *in1, const tg_input *in2,
                             const tg_output *out, int32_t y0, int32_t y1, void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  tg_broadcast(&p->walk, tg_logical_b8_element, p, in1, in2, out, y0, y1);
}

#endif

/* SPDX-License-Identifier: 0BSD */
/* ARG_MAX (sign 1) and ARG_MIN (sign -1), int8 to int32: a row is elements x inner, and the result has, for each
 * of inner, the number of its extreme element, the first of equal ones. */
#ifndef TG_ARG_MAX_S8_H
#define TG_ARG_MAX_S8_H

#include "tg_kernel.h"

typedef struct {
  int32_t elements, inner;
  int32_t sign;
} tg_arg_max_s8_params;

TG_KERNEL void tg_arg_max_s8(const tg_arg_max_s8_params *p, const tg_input *in, const tg_output *out, int32_t y0,
                             int32_t y1, void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const int8_t *from = tg_input_row(in, y);
    int32_t *to = (int32_t *)(void *)tg_output_row(out, y);
    for (int32_t c = 0; c < p->inner; ++c) {
      int32_t found = 0;
      int32_t highest = p->sign * from[c];
      for (int32_t i = 1; i < p->elements; ++i) {
        const int32_t x = p->sign * from[i * p->inner + c];
        if (x > highest) {
          highest = x;
          found = i;
        }
      }
      to[c] = found;
    }
  }
}

#endif

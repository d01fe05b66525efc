/* SPDX-License-Identifier: 0BSD */
/* REDUCE_MAX (sign 1) and REDUCE_MIN (sign -1), int16. Row y of the input becomes row y of the output. Within a
 * row the output has the elements (kept0, kept1); each is the extreme over (reduced0, reduced1, reduced2). Every
 * axis has its step in the input row; an axis that is not needed has 1 element. */
#ifndef TG_REDUCE_MAX_S16_H
#define TG_REDUCE_MAX_S16_H

#include "tg_kernel.h"

typedef struct {
  int32_t kept0, kept0_step, kept1, kept1_step;
  int32_t reduced0, reduced0_step, reduced1, reduced1_step, reduced2, reduced2_step;
  int32_t sign;
} tg_reduce_max_s16_params;

/* the largest of sign * x */
static inline int32_t tg_reduce_max_s16_one(const tg_reduce_max_s16_params *p, const int16_t *from) {
  int32_t highest = INT16_MIN;
  for (int32_t i = 0; i < p->reduced0; ++i) {
    for (int32_t j = 0; j < p->reduced1; ++j) {
      const int16_t *x = from + i * p->reduced0_step + j * p->reduced1_step;
      for (int32_t k = 0; k < p->reduced2; ++k) {
        highest = tg_max(highest, p->sign * x[k * p->reduced2_step]);
      }
    }
  }
  return highest;
}

TG_KERNEL void tg_reduce_max_s16(const tg_reduce_max_s16_params *p, const tg_input *in, const tg_output *out,
                                 int32_t y0, int32_t y1, void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const int16_t *row = tg_input_row16(in, y);
    int16_t *to = tg_output_row16(out, y);
    for (int32_t i = 0; i < p->kept0; ++i) {
      for (int32_t j = 0; j < p->kept1; ++j) {
        *to++ = (int16_t)(p->sign * tg_reduce_max_s16_one(p, row + i * p->kept0_step + j * p->kept1_step));
      }
    }
  }
}

#endif

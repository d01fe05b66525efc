/* SPDX-License-Identifier: 0BSD */
/* LOGISTIC and TANH, int16, with the table of tg_sigmoid16.h. */
#ifndef TG_SIGMOID_S16_H
#define TG_SIGMOID_S16_H

#include "tg_sigmoid16.h"

typedef struct {
  int32_t row_elements;
  int32_t multiplier, shift; /* from input steps to units of 1/12288 */
  int32_t is_tanh;
  const int16_t *table;
} tg_sigmoid_s16_params;

TG_KERNEL void tg_sigmoid_s16(const tg_sigmoid_s16_params *p, const tg_input *in, const tg_output *out, int32_t y0,
                              int32_t y1, void *scratch, void *carry) {
  const int32_t half = p->shift > 0 ? INT32_C(1) << (p->shift - 1) : 0;
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const int16_t *from = tg_input_row16(in, y);
    int16_t *to = tg_output_row16(out, y);
    for (int32_t i = 0; i < p->row_elements; ++i) {
      const int32_t x = (from[i] * p->multiplier + half) >> p->shift;
      to[i] = p->is_tanh ? tg_tanh16(p->table, x) : tg_sigmoid16(p->table, x);
    }
  }
}

#endif

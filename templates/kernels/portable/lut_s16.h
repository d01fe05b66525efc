/* SPDX-License-Identifier: 0BSD */
/* Any unary function of int16 that is smooth enough for a table of 513 entries. */
#ifndef TG_LUT_S16_H
#define TG_LUT_S16_H

#include "tg_lut16.h"

typedef struct {
  int32_t row_elements;
  const int16_t *table;
} tg_lut_s16_params;

TG_KERNEL void tg_lut_s16(const tg_lut_s16_params *p, const tg_input *in, const tg_output *out, int32_t y0, int32_t y1,
                          void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const int16_t *from = tg_input_row16(in, y);
    int16_t *to = tg_output_row16(out, y);
    for (int32_t i = 0; i < p->row_elements; ++i) {
      to[i] = (int16_t)tg_lut16(p->table, from[i]);
    }
  }
}

#endif

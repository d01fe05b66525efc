/* SPDX-License-Identifier: 0BSD */
/* Any unary int8 function as a table: table[128 + x] in flash. */
#ifndef TG_LUT_S8_H
#define TG_LUT_S8_H

#include "tg_kernel.h"

typedef struct {
  int32_t row_elements;
  const int8_t *table;
} tg_lut_s8_params;

TG_KERNEL void tg_lut_s8(const tg_lut_s8_params *p, const tg_input *in, const tg_output *out, int32_t y0, int32_t y1,
                         void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const int8_t *from = tg_input_row(in, y);
    int8_t *to = tg_output_row(out, y);
    for (int32_t i = 0; i < p->row_elements; ++i) {
      to[i] = TG_LOAD_S8(p->table + 128 + from[i]);
    }
  }
}

#endif

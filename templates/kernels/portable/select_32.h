/* SPDX-License-Identifier: 0BSD */
/* SELECT_V2 of elements of four bytes, with broadcasting: the second input's where the condition (a byte, any but 0)
 * is true, else the third's. */
#ifndef TG_SELECT_32_H
#define TG_SELECT_32_H

#include "tg_broadcast.h"

typedef struct {
  tg_walk walk;
} tg_select_32_params;

TG_KERNEL void tg_select_32(const tg_select_32_params *p, const tg_input *condition, const tg_input *in1,
                            const tg_input *in2, const tg_output *out, int32_t y0, int32_t y1, void *scratch,
                            void *carry) {
  const tg_walk *walk = &p->walk;
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const int8_t *if_row = tg_input_row(condition, y);
    const int8_t *row1 = tg_input_row(in1, y);
    const int8_t *row2 = tg_input_row(in2, y);
    int8_t *to = tg_output_row(out, y);
    for (int32_t x = 0; x < walk->width; ++x) {
      for (int32_t c = 0; c < walk->channels; ++c, to += 4) {
        const int32_t chosen = if_row[x * walk->column_step[0] + c * walk->channel_step[0]];
        const int8_t *a = row1 + 4 * (x * walk->column_step[1] + c * walk->channel_step[1]);
        const int8_t *b = row2 + 4 * (x * walk->column_step[2] + c * walk->channel_step[2]);
        memcpy(to, chosen ? a : b, 4);
      }
    }
  }
}

#endif

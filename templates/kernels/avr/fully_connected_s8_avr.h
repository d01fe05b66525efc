/* SPDX-License-Identifier: 0BSD */
/* FULLY_CONNECTED, int8; scratch: a column of input_depth elements, rounded up to an even number. */
#ifndef TG_FULLY_CONNECTED_S8_AVR_H
#define TG_FULLY_CONNECTED_S8_AVR_H

#include "tg_pairs.h"

typedef struct {
  uint16_t input_depth, output_depth;
  int8_t output_zero_point;
  uint8_t down, up; /* the activation's limits, as tg_output.h has them */
  const int8_t *weights;
  const int8_t *channels;
} tg_fully_connected_s8_avr_params;

TG_KERNEL void tg_fully_connected_s8_avr(const tg_fully_connected_s8_avr_params *p, const tg_input *in,
                                         const tg_output *out, int32_t y0, int32_t y1, void *scratch, void *carry) {
  const tg_filters filters = {p->input_depth, p->output_depth, p->weights, p->channels,
                              {p->output_zero_point, p->down, p->up}};
  uint8_t *column = (uint8_t *)scratch;
  (void)carry;
  if (p->input_depth % 2 != 0) column[p->input_depth] = 0;
  for (int32_t y = y0; y < y1; ++y) {
    const tg_u24 sum = tg_take(tg_near_row(in, (uint16_t)y), column, 1, p->input_depth) * 128U;
    tg_times_filters(&filters, column, &sum, 1, tg_output_row(out, y));
  }
}

#endif

/* SPDX-License-Identifier: 0BSD */
/* FULLY_CONNECTED, int16 with int8 weights [output_depth][input_depth]. */
#ifndef TG_FULLY_CONNECTED_S16_H
#define TG_FULLY_CONNECTED_S16_H

#include "tg_dot16.h"

typedef struct {
  int32_t input_depth, output_depth;
  int32_t output_zero_point; /* 0, as all zero points of int16 */
  int32_t activation_min, activation_max;
  int32_t wide; /* 1: multipliers of 16 bits; 0: of 32, and sums that wrap at 32 bits */
  const int8_t *weights;
  const int64_t *bias;
  const int32_t *multiplier;
  const int8_t *shift;
} tg_fully_connected_s16_params;

TG_KERNEL void tg_fully_connected_s16(const tg_fully_connected_s16_params *p, const tg_input *in, const tg_output *out,
                                      int32_t y0, int32_t y1, void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const int16_t *from = tg_input_row16(in, y);
    int16_t *to = tg_output_row16(out, y);
    for (int32_t c = 0; c < p->output_depth; ++c) {
      const int64_t acc = tg_dot16(from, p->weights + c * p->input_depth, p->input_depth);
      to[c] = tg_output16(acc + TG_LOAD_S64(p->bias + c), p->wide, TG_LOAD_S32(p->multiplier + c),
                          TG_LOAD_S8(p->shift + c), p->activation_min, p->activation_max);
    }
  }
}

#endif

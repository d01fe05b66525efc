/* SPDX-License-Identifier: 0BSD */
/* FULLY_CONNECTED, int8; weights [output_depth][input_depth]; bias has the input zero point folded in. */
#ifndef TG_FULLY_CONNECTED_S8_H
#define TG_FULLY_CONNECTED_S8_H

#include "tg_dot.h"
#include "tg_fixedpoint.h"

typedef struct {
  int32_t input_depth, output_depth;
  int32_t output_zero_point;
  int32_t activation_min, activation_max;
  const int8_t *weights;
  const int32_t *bias;
  const int32_t *multiplier;
  const int8_t *shift;
} tg_fully_connected_s8_params;

TG_KERNEL void tg_fully_connected_s8(const tg_fully_connected_s8_params *p, const tg_input *in, const tg_output *out,
                                     int32_t y0, int32_t y1, void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const int8_t *from = tg_input_row(in, y);
    int8_t *to = tg_output_row(out, y);
    for (int32_t c = 0; c < p->output_depth; ++c) {
      int32_t acc = tg_dot(from, p->weights + c * p->input_depth, p->input_depth);
      acc = tg_add_wrap(acc, TG_LOAD_S32(p->bias + c));
      acc = tg_requantize(acc, TG_LOAD_S32(p->multiplier + c), TG_LOAD_S8(p->shift + c));
      acc = tg_add_wrap(acc, p->output_zero_point);
      to[c] = (int8_t)tg_clamp(acc, p->activation_min, p->activation_max);
    }
  }
}

#endif

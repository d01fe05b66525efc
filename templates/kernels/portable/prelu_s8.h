/* SPDX-License-Identifier: 0BSD */
/* PRELU, int8: x where it is not negative, else alpha times x. alpha is constant; its index moves by a step per
 * row, column and channel, 0 where alpha is repeated. */
#ifndef TG_PRELU_S8_H
#define TG_PRELU_S8_H

#include "tg_fixedpoint.h"

typedef struct {
  int32_t width, channels;
  int32_t alpha_row_step, alpha_column_step, alpha_channel_step;
  int32_t input_zero_point, alpha_zero_point, output_zero_point;
  int32_t identity_multiplier, identity_shift; /* of x */
  int32_t alpha_multiplier, alpha_shift;       /* of alpha times x */
  const int8_t *alpha;
} tg_prelu_s8_params;

TG_KERNEL void tg_prelu_s8(const tg_prelu_s8_params *p, const tg_input *in, const tg_output *out, int32_t y0,
                           int32_t y1, void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const int8_t *from = tg_input_row(in, y);
    int8_t *to = tg_output_row(out, y);
    for (int32_t x = 0; x < p->width; ++x) {
      const int8_t *alpha = p->alpha + y * p->alpha_row_step + x * p->alpha_column_step;
      for (int32_t c = 0; c < p->channels; ++c) {
        const int32_t steps = *from++ - p->input_zero_point;
        int32_t scaled;
        if (steps >= 0) {
          scaled = tg_requantize(steps, p->identity_multiplier, p->identity_shift);
        } else {
          const int32_t product = steps * (TG_LOAD_S8(alpha + c * p->alpha_channel_step) - p->alpha_zero_point);
          scaled = tg_requantize(product, p->alpha_multiplier, p->alpha_shift);
        }
        *to++ = (int8_t)tg_clamp(tg_add_wrap(scaled, p->output_zero_point), INT8_MIN, INT8_MAX);
      }
    }
  }
}

#endif

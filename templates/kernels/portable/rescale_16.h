/* SPDX-License-Identifier: 0BSD */
/* RELU, LEAKY_RELU, ABS and the like of int16, and QUANTIZE between int8 and int16: a step of 0 and more is scaled
 * by one multiplier, a step below by another one, then the output is clamped. */
#ifndef TG_RESCALE_16_H
#define TG_RESCALE_16_H

#include "tg_fixedpoint.h"

typedef struct {
  int32_t row_elements;
  int32_t input_bytes, output_bytes; /* of an element: 1 or 2 */
  int32_t input_zero_point, output_zero_point;
  int32_t multiplier, shift;
  int32_t negative_multiplier, negative_shift;
  int32_t sign_into, sign_out; /* 1 or -1; a step below 0 is multiplied by them before and after it is scaled */
  int32_t lowest, highest;
} tg_rescale_16_params;

static inline int32_t tg_rescale_16_one(const tg_rescale_16_params *p, int32_t x) {
  const int32_t steps = x - p->input_zero_point;
  int32_t scaled;
  if (steps >= 0) {
    scaled = tg_requantize(steps, p->multiplier, p->shift);
  } else {
    scaled = p->sign_out * tg_requantize(p->sign_into * steps, p->negative_multiplier, p->negative_shift);
  }
  return tg_clamp(scaled + p->output_zero_point, p->lowest, p->highest);
}

TG_KERNEL void tg_rescale_16(const tg_rescale_16_params *p, const tg_input *in, const tg_output *out, int32_t y0,
                             int32_t y1, void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const int8_t *from8 = tg_input_row(in, y);
    int8_t *to8 = tg_output_row(out, y);
    const int16_t *from16 = (const int16_t *)(const void *)from8;
    int16_t *to16 = (int16_t *)(void *)to8;
    for (int32_t i = 0; i < p->row_elements; ++i) {
      const int32_t scaled = tg_rescale_16_one(p, p->input_bytes == 1 ? from8[i] : from16[i]);
      if (p->output_bytes == 1) {
        to8[i] = (int8_t)scaled;
      } else {
        to16[i] = (int16_t)scaled;
      }
    }
  }
}

#endif

/* SPDX-License-Identifier: 0BSD */
/* ADD, int8, with broadcasting: a row is width x channels, and each input has a step per column and per
 * channel (0 where it is repeated); an input that is repeated over the rows is a view of one ring row. */
#ifndef TG_ADD_S8_H
#define TG_ADD_S8_H

#include "tg_fixedpoint.h"

typedef struct {
  int32_t width, channels;
  int32_t input1_column_step, input1_channel_step;
  int32_t input2_column_step, input2_channel_step;
  int32_t input1_zero_point, input1_multiplier, input1_shift;
  int32_t input2_zero_point, input2_multiplier, input2_shift;
  int32_t output_zero_point, output_multiplier, output_shift;
  int32_t activation_min, activation_max;
} tg_add_s8_params;

TG_KERNEL void tg_add_s8(const tg_add_s8_params *p, const tg_input *in1, const tg_input *in2, const tg_output *out,
                         int32_t y0, int32_t y1, void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const int8_t *row1 = tg_input_row(in1, y);
    const int8_t *row2 = tg_input_row(in2, y);
    int8_t *to = tg_output_row(out, y);
    for (int32_t x = 0; x < p->width; ++x) {
      const int8_t *a = row1 + x * p->input1_column_step;
      const int8_t *b = row2 + x * p->input2_column_step;
      for (int32_t c = 0; c < p->channels; ++c) {
        const int32_t a_offset = a[c * p->input1_channel_step] - p->input1_zero_point;
        const int32_t b_offset = b[c * p->input2_channel_step] - p->input2_zero_point;
        int32_t sum = tg_requantize(a_offset * (INT32_C(1) << 20), p->input1_multiplier, p->input1_shift);
        sum += tg_requantize(b_offset * (INT32_C(1) << 20), p->input2_multiplier, p->input2_shift);
        sum = tg_requantize(sum, p->output_multiplier, p->output_shift) + p->output_zero_point;
        *to++ = (int8_t)tg_clamp(sum, p->activation_min, p->activation_max);
      }
    }
  }
}

#endif

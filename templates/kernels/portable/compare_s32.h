/* SPDX-License-Identifier: 0BSD */
/* EQUAL, LESS and the other comparisons of two int32 tensors, with broadcasting; a bool is a byte, 0 or 1. */
#ifndef TG_COMPARE_S32_H
#define TG_COMPARE_S32_H

#include "tg_broadcast.h"

typedef struct {
  tg_walk walk;
  int32_t less, equal, greater; /* the answer for each way in which two numbers can be ordered */
} tg_compare_s32_params;

TG_KERNEL void tg_compare_s32(const tg_compare_s32_params *p, const tg_input *in1, const tg_input *in2,
                              const tg_output *out, int32_t y0, int32_t y1, void *scratch, void *carry) {
  const tg_walk *walk = &p->walk;
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const int32_t *row1 = (const int32_t *)(const void *)tg_input_row(in1, y);
    const int32_t *row2 = (const int32_t *)(const void *)tg_input_row(in2, y);
    int8_t *to = tg_output_row(out, y);
    for (int32_t x = 0; x < walk->width; ++x) {
      for (int32_t c = 0; c < walk->channels; ++c) {
        const int32_t a = row1[x * walk->column_step[0] + c * walk->channel_step[0]];
        const int32_t b = row2[x * walk->column_step[1] + c * walk->channel_step[1]];
        *to++ = (int8_t)(a < b ? p->less : a > b ? p->greater : p->equal);
      }
    }
  }
}

#endif

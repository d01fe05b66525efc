/* SPDX-License-Identifier: 0BSD */
/* The walk of elementwise kernels over inputs that broadcasting repeats: a row of the output
 * is width x channels, and each input has a step per column and per channel. An input that is repeated over the
 * rows is a view of one ring row. */
#ifndef TG_BROADCAST_H
#define TG_BROADCAST_H

#include "tg_kernel.h"

typedef struct {
  int32_t width, channels;
  int32_t column_step[3], channel_step[3]; /* of each input, in elements; 0 where it is repeated */
} tg_walk;

/* what a kernel computes of one element of each input */
typedef int32_t (*tg_element)(const void *params, int32_t a, int32_t b);

/* Rows [y0, y1) of the output; inlined, so that `element` is no call through a pointer. */
__attribute__((always_inline)) static inline void tg_broadcast(const tg_walk *walk, tg_element element,
                                                               const void *params, const tg_input *in1,
                                                               const tg_input *in2, const tg_output *out, int32_t y0,
                                                               int32_t y1) {
  for (int32_t y = y0; y < y1; ++y) {
    const int8_t *row1 = tg_input_row(in1, y);
    const int8_t *row2 = tg_input_row(in2, y);
    int8_t *to = tg_output_row(out, y);
    for (int32_t x = 0; x < walk->width; ++x) {
      const int8_t *a = row1 + x * walk->column_step[0];
      const int8_t *b = row2 + x * walk->column_step[1];
      for (int32_t c = 0; c < walk->channels; ++c) {
        *to++ = (int8_t)element(params, a[c * walk->channel_step[0]], b[c * walk->channel_step[1]]);
      }
    }
  }
}

/* The same for elements of int16. */
__attribute__((always_inline)) static inline void tg_broadcast16(const tg_walk *walk, tg_element element,
                                                                 const void *params, const tg_input *in1,
                                                                 const tg_input *in2, const tg_output *out, int32_t y0,
                                                                 int32_t y1) {
  for (int32_t y = y0; y < y1; ++y) {
    const int16_t *row1 = tg_input_row16(in1, y);
    const int16_t *row2 = tg_input_row16(in2, y);
    int16_t *to = tg_output_row16(out, y);
    for (int32_t x = 0; x < walk->width; ++x) {
      const int16_t *a = row1 + x * walk->column_step[0];
      const int16_t *b = row2 + x * walk->column_step[1];
      for (int32_t c = 0; c < walk->channels; ++c) {
        *to++ = (int16_t)element(params, a[c * walk->channel_step[0]], b[c * walk->channel_step[1]]);
      }
    }
  }
}

#endif

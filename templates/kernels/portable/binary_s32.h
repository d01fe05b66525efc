/* SPDX-License-Identifier: 0BSD */
/* Functions of two int32 numbers without scales, with broadcasting; sums and products wrap. The kernel is inlined, so
 * that only the function that a layer asks for is compiled. */
#ifndef TG_BINARY_S32_H
#define TG_BINARY_S32_H

#include "tg_broadcast.h"

enum { TG_BINARY_S32_ADD, TG_BINARY_S32_MAXIMUM, TG_BINARY_S32_MINIMUM, TG_BINARY_S32_MUL, TG_BINARY_S32_SUB };

typedef struct {
  tg_walk walk;
  int32_t function; /* TG_BINARY_S32_... */
} tg_binary_s32_params;

__attribute__((always_inline)) static inline int32_t tg_binary_s32_element(int32_t function, int32_t a, int32_t b) {
  switch (function) {
    case TG_BINARY_S32_ADD:
      return tg_add_wrap(a, b);
    case TG_BINARY_S32_MAXIMUM:
      return tg_max(a, b);
    case TG_BINARY_S32_MINIMUM:
      return tg_min(a, b);
    case TG_BINARY_S32_MUL:
      return (int32_t)((uint32_t)a * (uint32_t)b);
    default:
      return (int32_t)((uint32_t)a - (uint32_t)b);
  }
}

__attribute__((always_inline)) TG_KERNEL void tg_binary_s32(const tg_binary_s32_params *p, const tg_input *in1,
                                                            const tg_input *in2, const tg_output *out, int32_t y0,
                                                            int32_t y1, void *scratch, void *carry) {
  const tg_walk *walk = &p->walk;
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const int32_t *row1 = (const int32_t *)(const void *)tg_input_row(in1, y);
    const int32_t *row2 = (const int32_t *)(const void *)tg_input_row(in2, y);
    int32_t *to = (int32_t *)(void *)tg_output_row(out, y);
    for (int32_t x = 0; x < walk->width; ++x) {
      const int32_t *a = row1 + x * walk->column_step[0];
      const int32_t *b = row2 + x * walk->column_step[1];
      for (int32_t c = 0; c < walk->channels; ++c) {
        *to++ = tg_binary_s32_element(p->function, a[c * walk->channel_step[0]], b[c * walk->channel_step[1]]);
      }
    }
  }
}

#endif

/* SPDX-License-Identifier: 0BSD */
/* Functions of two floats, with broadcasting; the result is clamped to [low, high], as a fused activation wants it.
 * The kernel is inlined, so that only the function that a layer asks for is compiled. */
#ifndef TG_BINARY_F32_H
#define TG_BINARY_F32_H

#include "tg_float.h"

#include "tg_broadcast.h"

enum {
  TG_BINARY_ADD,
  TG_BINARY_DIV,
  TG_BINARY_MAXIMUM,
  TG_BINARY_MINIMUM,
  TG_BINARY_MUL,
  TG_BINARY_PRELU, /* negative numbers times the second */
  TG_BINARY_SQUARED_DIFFERENCE,
  TG_BINARY_SUB
};

typedef struct {
  tg_walk walk;
  int32_t function; /* TG_BINARY_... */
  float low, high;
} tg_binary_f32_params;

__attribute__((always_inline)) static inline float tg_binary_f32_element(int32_t function, float a, float b) {
  switch (function) {
    case TG_BINARY_ADD:
      return a + b;
    case TG_BINARY_DIV:
      return a / b;
    case TG_BINARY_MAXIMUM:
      return a > b ? a : b;
    case TG_BINARY_MINIMUM:
      return a < b ? a : b;
    case TG_BINARY_MUL:
      return a * b;
    case TG_BINARY_PRELU:
      return a >= 0.0f ? a : a * b;
    case TG_BINARY_SQUARED_DIFFERENCE:
      return (a - b) * (a - b);
    default:
      return a - b;
  }
}

__attribute__((always_inline)) TG_KERNEL void tg_binary_f32(const tg_binary_f32_params *p, const tg_input *in1,
                                                            const tg_input *in2, const tg_output *out, int32_t y0,
                                                            int32_t y1, void *scratch, void *carry) {
  const tg_walk *walk = &p->walk;
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const float *row1 = (const float *)(const void *)tg_input_row(in1, y);
    const float *row2 = (const float *)(const void *)tg_input_row(in2, y);
    float *to = (float *)(void *)tg_output_row(out, y);
    for (int32_t x = 0; x < walk->width; ++x) {
      const float *a = row1 + x * walk->column_step[0];
      const float *b = row2 + x * walk->column_step[1];
      for (int32_t c = 0; c < walk->channels; ++c) {
        const float value =
            tg_binary_f32_element(p->function, a[c * walk->channel_step[0]], b[c * walk->channel_step[1]]);
        *to++ = tg_fclamp(value, p->low, p->high);
      }
    }
  }
}

#endif

/* SPDX-License-Identifier: 0BSD */
/* LOGISTIC and TANH, int16: tanh(x) = 2 * logistic(2 * x) - 1. table[i] is logistic(i / 24) - 1/2 in units of 2^-16;
 * between its 256 entries lines are drawn. */
#ifndef TG_SIGMOID_S16_H
#define TG_SIGMOID_S16_H

#include "tg_kernel.h"

typedef struct {
  int32_t row_elements;
  int32_t multiplier, shift; /* from input steps to 1/512 (tanh: 1/256) of a step of the table */
  int32_t is_tanh;
  const int16_t *table;
} tg_sigmoid_s16_params;

/* logistic(|x|) in units of 2^-16 / 2^bits; beyond the table it is what `saturated` says */
static inline int32_t tg_sigmoid_s16_magnitude(const int16_t *table, int32_t size, int32_t bits, int32_t saturated) {
  const int32_t index = size >> bits;
  if (index >= 255) return saturated;
  const int32_t low = (int32_t)TG_LOAD_S16(table + index) + 32768;
  const int32_t high = (int32_t)TG_LOAD_S16(table + index + 1) + 32768;
  return low * (INT32_C(1) << bits) + (size & ((INT32_C(1) << bits) - 1)) * (high - low);
}

static inline int32_t tg_sigmoid_s16_logistic(const int16_t *table, int32_t x) {
  const int32_t magnitude = tg_sigmoid_s16_magnitude(table, x < 0 ? -x : x, 9, INT32_C(0x7FFF) << 10);
  return (x >= 0 ? magnitude + 512 : (INT32_C(1) << 25) - magnitude + 511) >> 10;
}

static inline int32_t tg_sigmoid_s16_tanh(const int16_t *table, int32_t x) {
  const int32_t above =
      tg_sigmoid_s16_magnitude(table, x < 0 ? -x : x, 8, INT32_C(0xFFFF) << 8) - (INT32_C(1) << 23);
  return (x >= 0 ? above + 128 : -above + 127) >> 8;
}

TG_KERNEL void tg_sigmoid_s16(const tg_sigmoid_s16_params *p, const tg_input *in, const tg_output *out, int32_t y0,
                              int32_t y1, void *scratch, void *carry) {
  const int32_t half = p->shift > 0 ? INT32_C(1) << (p->shift - 1) : 0;
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const int16_t *from = tg_input_row16(in, y);
    int16_t *to = tg_output_row16(out, y);
    for (int32_t i = 0; i < p->row_elements; ++i) {
      const int32_t x = (from[i] * p->multiplier + half) >> p->shift;
      to[i] = (int16_t)(p->is_tanh ? tg_sigmoid_s16_tanh(p->table, x) : tg_sigmoid_s16_logistic(p->table, x));
    }
  }
}

#endif

/* SPDX-License-Identifier: 0BSD */
/* SVDF, int8, with a state of int8 or int16 (state_size bytes): each filter remembers its last `memory` results. A row
 * is one unit: `rank` filters, which are rows of the state. Every filter forgets its oldest result and takes up a new
 * one, feature weights times input; the unit's output is the sum of the memories times the time weights. */
#ifndef TG_SVDF_S8_H
#define TG_SVDF_S8_H

#include "tg_dot.h"
#include "tg_fixedpoint.h"

typedef struct {
  int32_t inputs, rank, memory;
  int32_t state_size, state_zero_point, state_min, state_max;
  int32_t state_multiplier, state_shift;
  int32_t output_zero_point, output_multiplier, output_shift;
  const int8_t *feature_weights; /* [filters][inputs] */
  const int32_t *feature_bias;   /* the input zero point, folded */
  const int8_t *time_weights;    /* [filters][memory] elements of state_size bytes, the low one first */
  const int32_t *bias;           /* [units] */
} tg_svdf_s8_params;

static inline int32_t tg_svdf_s8_weight(const tg_svdf_s8_params *p, int32_t i) {
  if (p->state_size == 1) return TG_LOAD_S8(p->time_weights + i);
  return TG_LOAD_S8(p->time_weights + 2 * i + 1) * 256 + (uint8_t)TG_LOAD_S8(p->time_weights + 2 * i);
}

/* One filter: a new result into its memory, and the sum over it. */
static inline int32_t tg_svdf_s8_filter(const tg_svdf_s8_params *p, int32_t filter, const int8_t *from, int8_t *memory) {
  int16_t *wide = (int16_t *)(void *)memory;
  const int32_t last = p->memory - 1;
  int32_t sum = 0;
  int32_t x = tg_dot(from, p->feature_weights + filter * p->inputs, p->inputs);
  x = tg_add_wrap(x, TG_LOAD_S32(p->feature_bias + filter));
  x = tg_requantize(x, p->state_multiplier, p->state_shift);
  x = tg_clamp(x, p->state_min, p->state_max) + p->state_zero_point; /* which wraps, as TFLM's does */
  memmove(memory, memory + p->state_size, (size_t)(last * p->state_size));
  if (p->state_size == 1) {
    memory[last] = (int8_t)x;
  } else {
    wide[last] = (int16_t)x;
  }
  for (int32_t i = 0; i < p->memory; ++i) {
    const int32_t value = (p->state_size == 1 ? memory[i] : wide[i]) - p->state_zero_point;
    sum = tg_add_wrap(sum, tg_svdf_s8_weight(p, filter * p->memory + i) * value);
  }
  return sum;
}

TG_KERNEL void tg_svdf_s8(const tg_svdf_s8_params *p, const tg_input *in, const tg_output *state, const tg_output *out,
                          int32_t y0, int32_t y1, void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    int32_t sum = TG_LOAD_S32(p->bias + y);
    for (int32_t f = y * p->rank; f < (y + 1) * p->rank; ++f) {
      sum = tg_add_wrap(sum, tg_svdf_s8_filter(p, f, tg_input_row(in, 0), tg_output_row(state, f)));
    }
    sum = tg_requantize(sum, p->output_multiplier, p->output_shift);
    *tg_output_row(out, y) = (int8_t)tg_clamp(tg_add_wrap(sum, p->output_zero_point), -128, 127);
  }
}

#endif

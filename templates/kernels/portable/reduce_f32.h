/* SPDX-License-Identifier: 0BSD */
/* SUM, MEAN, REDUCE_PROD, REDUCE_MAX and REDUCE_MIN of floats. Row y of the input becomes row y of the output. Within a row the
 * output has the elements (kept0, kept1); each is made of (reduced0, reduced1, reduced2), in this order. Every axis
 * has its step in the input row; an axis that is not needed has 1 element. */
#ifndef TG_REDUCE_F32_H
#define TG_REDUCE_F32_H

#include "tg_float.h"

enum { TG_REDUCE_SUM, TG_REDUCE_MAX, TG_REDUCE_MIN, TG_REDUCE_PROD };

typedef struct {
  int32_t kept0, kept0_step, kept1, kept1_step;
  int32_t reduced0, reduced0_step, reduced1, reduced1_step, reduced2, reduced2_step;
  int32_t function; /* TG_REDUCE_... */
  float divisor;    /* of the sum: 1, or the number of elements for a mean */
} tg_reduce_f32_params;

static inline float tg_reduce_f32_one(const tg_reduce_f32_params *p, const float *from) {
  float value = p->function == TG_REDUCE_SUM ? 0.0f : p->function == TG_REDUCE_PROD ? 1.0f : from[0];
  for (int32_t i = 0; i < p->reduced0; ++i) {
    for (int32_t j = 0; j < p->reduced1; ++j) {
      const float *row = from + i * p->reduced0_step + j * p->reduced1_step;
      for (int32_t k = 0; k < p->reduced2; ++k) {
        const float x = row[k * p->reduced2_step];
        if (p->function == TG_REDUCE_SUM) {
          value = value + x;
        } else if (p->function == TG_REDUCE_PROD) {
          value = value * x;
        } else if (p->function == TG_REDUCE_MAX ? x > value : x < value) {
          value = x;
        }
      }
    }
  }
  return value / p->divisor;
}

TG_KERNEL void tg_reduce_f32(const tg_reduce_f32_params *p, const tg_input *in, const tg_output *out, int32_t y0,
                             int32_t y1, void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const float *row = (const float *)(const void *)tg_input_row(in, y);
    float *to = (float *)(void *)tg_output_row(out, y);
    for (int32_t i = 0; i < p->kept0; ++i) {
      for (int32_t j = 0; j < p->kept1; ++j) {
        *to++ = tg_reduce_f32_one(p, row + i * p->kept0_step + j * p->kept1_step);
      }
    }
  }
}

#endif

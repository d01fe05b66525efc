/* SPDX-License-Identifier: 0BSD */
/* REDUCE_PROD, int8 or int16. Row y of the input becomes row y of the output; the walk is that of reduce_max_s8.h. A
 * product is a mantissa of 47 bits and an exponent; what is cut off leaves a trace in the last bit, so that a half stays
 * one only where it is exact. The multiplier to the output's steps has 62 bits. */
#ifndef TG_REDUCE_PROD_H
#define TG_REDUCE_PROD_H

#include "tg_kernel.h"

typedef struct {
  int32_t kept0, kept0_step, kept1, kept1_step;
  int32_t reduced0, reduced0_step, reduced1, reduced1_step, reduced2, reduced2_step;
  int32_t wide; /* 1: int16 */
  int32_t input_zero_point, output_zero_point;
  int32_t multiplier_high, multiplier_low; /* 31 bits each */
  int32_t exponent;
} tg_reduce_prod_params;

typedef struct {
  uint64_t mantissa; /* below 2^47 */
  int32_t exponent;
  int32_t negative;
} tg_reduce_prod_number;

static inline void tg_reduce_prod_times(tg_reduce_prod_number *product, int32_t step) {
  product->negative ^= step < 0;
  product->mantissa *= (uint32_t)(step < 0 ? -step : step);
  while (product->mantissa >> 47) {
    product->mantissa = (product->mantissa >> 1) | (product->mantissa & 1U);
    ++product->exponent;
  }
}

/* the number times the multiplier, rounded half away from zero; beyond 4 * highest it is that */
static inline int32_t tg_reduce_prod_scaled(const tg_reduce_prod_params *p, const tg_reduce_prod_number *product,
                                            int32_t highest) {
  const uint64_t most = 4U * (uint32_t)highest;
  uint64_t mantissa = product->mantissa;
  int32_t exponent = p->exponent + product->exponent;
  if (mantissa == 0) return 0;
  for (; !(mantissa >> 46); mantissa <<= 1) --exponent;
  const uint64_t high = mantissa >> 31, low = mantissa & UINT32_C(0x7fffffff);
  const uint64_t factor_high = (uint32_t)p->multiplier_high, factor_low = (uint32_t)p->multiplier_low;
  const uint64_t middle = high * factor_low + low * factor_high + ((low * factor_low) >> 31);
  const uint64_t upper = ((high * factor_high) << 15) + (middle >> 16); /* all 109 bits without the lowest 47 */
  const int32_t shift = -(exponent + 47);
  uint64_t result = 0;
  if (shift <= 0 || (shift <= 62 && (upper >> shift) >= most)) {
    result = most;
  } else if (shift <= 62) {
    result = (upper + (UINT64_C(1) << (shift - 1))) >> shift;
  }
  return product->negative ? -(int32_t)result : (int32_t)result;
}

static inline int32_t tg_reduce_prod_one(const tg_reduce_prod_params *p, const int8_t *row, int32_t from) {
  const int32_t highest = p->wide ? INT16_MAX : INT8_MAX;
  tg_reduce_prod_number product = {1, 0, 0};
  for (int32_t i = 0; i < p->reduced0; ++i) {
    for (int32_t j = 0; j < p->reduced1; ++j) {
      for (int32_t k = 0; k < p->reduced2; ++k) {
        const int32_t at = from + i * p->reduced0_step + j * p->reduced1_step + k * p->reduced2_step;
        const int32_t x = p->wide ? ((const int16_t *)(const void *)row)[at] : row[at];
        tg_reduce_prod_times(&product, x - p->input_zero_point);
      }
    }
  }
  return tg_clamp(tg_reduce_prod_scaled(p, &product, highest) + p->output_zero_point, -highest - 1, highest);
}

TG_KERNEL void tg_reduce_prod(const tg_reduce_prod_params *p, const tg_input *in, const tg_output *out, int32_t y0,
                              int32_t y1, void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const int8_t *row = tg_input_row(in, y);
    int8_t *to = tg_output_row(out, y);
    for (int32_t i = 0; i < p->kept0; ++i) {
      for (int32_t j = 0; j < p->kept1; ++j) {
        const int32_t value = tg_reduce_prod_one(p, row, i * p->kept0_step + j * p->kept1_step);
        if (p->wide) {
          ((int16_t *)(void *)to)[i * p->kept1 + j] = (int16_t)value;
        } else {
          to[i * p->kept1 + j] = (int8_t)value;
        }
      }
    }
  }
}

#endif

/* SPDX-License-Identifier: 0BSD */
/* CUMSUM, int8: a row is elements x inner, summed along elements. As in TFLM each sum starts at minus the input's
 * zero point, and counts in steps of 2^-19 input steps before it is scaled; 64 bits hold that for any length. */
#ifndef TG_CUMSUM_S8_H
#define TG_CUMSUM_S8_H

#include "tg_kernel.h"

typedef struct {
  int32_t elements, inner;
  int32_t exclusive, reverse;
  int32_t input_zero_point, output_zero_point;
  int32_t multiplier, shift; /* shift <= 0 */
} tg_cumsum_s8_params;

/* tg_requantize(sum * 2^19, multiplier, shift) without leaving 32 bits: rounds twice, halves away from zero */
static inline int64_t tg_cumsum_s8_scale(int32_t sum, int32_t multiplier, int32_t shift) {
  const int64_t product = (int64_t)(sum < 0 ? -sum : sum) * multiplier;
  const int64_t rounded = (product + (1 << 11) - (sum < 0 ? 1 : 0)) >> 12;
  const int64_t scaled = (rounded + ((INT64_C(1) << -shift) >> 1)) >> -shift;
  return sum < 0 ? -scaled : scaled;
}

TG_KERNEL void tg_cumsum_s8(const tg_cumsum_s8_params *p, const tg_input *in, const tg_output *out, int32_t y0,
                            int32_t y1, void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const int8_t *row = tg_input_row(in, y);
    int8_t *to = tg_output_row(out, y);
    for (int32_t c = 0; c < p->inner; ++c) {
      int32_t sum = -p->input_zero_point;
      for (int32_t i = 0; i < p->elements; ++i) {
        const int32_t at = (p->reverse ? p->elements - 1 - i : i) * p->inner + c;
        const int32_t before = sum;
        sum += row[at] - p->input_zero_point;
        const int64_t scaled = tg_cumsum_s8_scale(p->exclusive ? before : sum, p->multiplier, p->shift);
        const int64_t result = scaled + p->output_zero_point;
        to[at] = (int8_t)(result < INT8_MIN ? INT8_MIN : result > INT8_MAX ? INT8_MAX : result);
      }
    }
  }
}

#endif

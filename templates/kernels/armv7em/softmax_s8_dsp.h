/* SPDX-License-Identifier: 0BSD */
/* SOFTMAX over rows of depth elements, int8, on the DSP extension: four elements at a time are looked up in a table that
 * ends with 0 for all larger differences. exp_table[d] is exp of d input steps below the row's maximum, raw Q0.31;
 * exp_table[last] is its end, last at most 255. */
#ifndef TG_SOFTMAX_S8_DSP_H
#define TG_SOFTMAX_S8_DSP_H

#include "softmax_s8.h"
#include "tg_dsp.h"

typedef struct {
  int32_t depth;
  int32_t last;
  const int32_t *exp_table;
} tg_softmax_s8_dsp_params;

/* The highest of a row's elements */
static inline int32_t tg_softmax_s8_dsp_highest(const int8_t *from, int32_t depth) {
  int32_t highest = INT8_MIN;
  if (depth >= 4) {
    uint32_t four = tg_load4(from);
    for (; depth >= 4; depth -= 4, from += 4) four = tg_max4(four, tg_load4(from));
    four = tg_max4(four, four >> 16); /* of the lower two */
    highest = tg_max((int8_t)(uint8_t)(four & 0xFFU), (int8_t)(uint8_t)(four >> 8 & 0xFFU));
  }
  for (; depth > 0; --depth) highest = tg_max(highest, *from++);
  return highest;
}

/* sum, Q12.19, and an exponential more */
static inline int32_t tg_softmax_s8_dsp_add(int32_t exponential, int32_t sum) {
  return tg_smmlar(exponential, INT32_C(1) << 20, sum);
}

static inline int8_t tg_softmax_s8_dsp_score(int32_t exponential, int32_t scale, int32_t factor) {
  return (int8_t)tg_ssat8(tg_smmlar(tg_smmlar(exponential, scale, exponential), factor, INT8_MIN));
}

TG_SHARED void tg_softmax_s8_dsp(const tg_softmax_s8_dsp_params *p, const tg_input *in, const tg_output *out,
                                 int32_t y0, int32_t y1, void *scratch, void *carry) {
  const int32_t depth = p->depth;
  const int32_t last = p->last;
  const int32_t *table = p->exp_table;
  /* differences are limited to `last` by a saturating addition of the rest up to 255 */
  const int32_t rest = 255 - last;
  const uint32_t rests = (uint32_t)rest * 0x01010101U;
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const int8_t *from = tg_input_row(in, y);
    int8_t *to = tg_output_row(out, y);
    const int32_t highest = tg_softmax_s8_dsp_highest(from, depth);
    const uint32_t highests = ((uint32_t)highest & 0xFFU) * 0x01010101U;
    int32_t sum = 0;
    int32_t c = 0;
    for (; c < depth - 3; c += 4) {
      const uint32_t at = tg_add4_saturated(tg_sub4(highests, tg_load4(from + c)), rests);
      sum = tg_softmax_s8_dsp_add(table[(int32_t)(at & 0xFFU) - rest], sum);
      sum = tg_softmax_s8_dsp_add(table[(int32_t)(at >> 8 & 0xFFU) - rest], sum);
      sum = tg_softmax_s8_dsp_add(table[(int32_t)(at >> 16 & 0xFFU) - rest], sum);
      sum = tg_softmax_s8_dsp_add(table[(int32_t)(at >> 24) - rest], sum);
    }
    for (; c < depth; ++c) sum = tg_softmax_s8_dsp_add(table[tg_min(highest - from[c], last)], sum);
    int32_t shift;
    const int32_t whole = tg_softmax_s8_scale(sum, &shift);
    if (shift > 31) {
      memset(to, INT8_MIN, (size_t)depth);
      continue;
    }
    /* 2 * whole less 2^32; whole is not below 2^30 where the shift is at most 31 */
    const int32_t scale = (int32_t)(2 * (whole - (INT32_C(1) << 30)) - INT32_MAX - 1);
    const int32_t factor = (int32_t)(UINT32_C(1) << (32 - shift));
    for (c = 0; c < depth - 3; c += 4, to += 4) {
      const uint32_t at = tg_add4_saturated(tg_sub4(highests, tg_load4(from + c)), rests);
      to[0] = tg_softmax_s8_dsp_score(table[(int32_t)(at & 0xFFU) - rest], scale, factor);
      to[1] = tg_softmax_s8_dsp_score(table[(int32_t)(at >> 8 & 0xFFU) - rest], scale, factor);
      to[2] = tg_softmax_s8_dsp_score(table[(int32_t)(at >> 16 & 0xFFU) - rest], scale, factor);
      to[3] = tg_softmax_s8_dsp_score(table[(int32_t)(at >> 24) - rest], scale, factor);
    }
    for (; c < depth; ++c) *to++ = tg_softmax_s8_dsp_score(table[tg_min(highest - from[c], last)], scale, factor);
  }
}

#endif

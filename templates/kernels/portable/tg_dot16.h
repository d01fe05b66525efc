/* SPDX-License-Identifier: 0BSD */
/* What the operators share that sum up products of int16 activations and int8 weights. */
#ifndef TG_DOT16_H
#define TG_DOT16_H

#include "tg_fixedpoint.h"

/* sum of x[i] * w[i], i < n; w is in flash. A product has 23 bits: 256 of them fit 32 bits, then they are added to
 * the long sum. */
static inline int64_t tg_dot16(const int16_t *x, const int8_t *w, int32_t n) {
  int64_t sum = 0;
  for (int32_t i = 0; i < n;) {
    const int32_t end = tg_min(n, i + 256);
    int32_t part = 0;
    for (; i < end; ++i) {
      part += (int32_t)x[i] * TG_LOAD_S8(w + i);
    }
    sum += part;
  }
  return sum;
}

/* From a sum to the output: with a multiplier of 16 bits (wide), or as int8's with one of 32, the sum in 32 bits. */
static inline int16_t tg_output16(int64_t sum, int32_t wide, int32_t multiplier, int32_t shift, int32_t low,
                                  int32_t high) {
  int32_t scaled;
  if (wide) {
    scaled = tg_requantize64(sum, multiplier, shift);
  } else {
    scaled = tg_requantize((int32_t)(uint32_t)(uint64_t)sum, multiplier, shift);
  }
  return (int16_t)tg_clamp(scaled, low, high);
}

#endif

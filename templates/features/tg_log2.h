/* SPDX-License-Identifier: 0BSD */
/* Logarithms of powers. Its numpy twin is _log2 in tinygen/features/spectrum.py. */
#ifndef TG_LOG2_H
#define TG_LOG2_H

#include "tg_fft.h"

/* log2(1 + i / 32) in Q14 */
static const int16_t tg_log2_table[33] TG_FLASH = {
    0, 727, 1433, 2118, 2784, 3432, 4062, 4676, 5274, 5858, 6428,
    6984, 7527, 8059, 8578, 9086, 9584, 10071, 10549, 11017, 11476, 11926,
    12368, 12802, 13228, 13646, 14057, 14461, 14858, 15249, 15634, 16012, 16384,
};

/* log2(x * 2^exponent) in Q10; 0 where that is below 1. Between the table's points a line: wrong by 0.0003. */
static inline int32_t tg_log2(uint64_t x, int16_t exponent) {
  if (x == 0U) return 0;
  const uint32_t top = (uint32_t)(x >> 32);
  const int16_t zeros = (int16_t)(top != 0U ? tg_leading_zeros(top) : 32 + tg_leading_zeros((uint32_t)x));
  const uint32_t mantissa = (uint32_t)((x << zeros) >> 32);
  const int16_t *const segment = tg_log2_table + (mantissa >> 26 & 31U);
  const int32_t low = TG_LOAD_S16(segment);
  const int32_t rise = TG_LOAD_S16(segment + 1) - low;
  const int32_t whole = (int32_t)(63 - zeros + exponent) * 16384;
  const int32_t value = whole + low + ((rise * (int32_t)(mantissa >> 10 & 0xFFFFU)) >> 16);
  return value < 0 ? 0 : (value + 8) >> 4;
}

#endif

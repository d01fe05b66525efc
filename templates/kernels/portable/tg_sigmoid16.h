/* SPDX-License-Identifier: 0BSD */
/* Sigmoid and tanh of int16 fixed-point numbers, to the bit as TensorFlow Lite Micro's. `table` has the 256 values
 * sigmoid(i / 24) * 65536 as 16-bit patterns, i from 0 on; the numpy twin is tinygen/ops/_sigmoid16.py. */
#ifndef TG_SIGMOID16_H
#define TG_SIGMOID16_H

#include "tg_kernel.h"

static inline uint32_t tg_sigmoid16_at(const int16_t *table, uint32_t i) { return (uint16_t)TG_LOAD_S16(table + i); }

/* sigmoid(x / 12288) * 32768, for |x| < 2^31 */
static inline int16_t tg_sigmoid16(const int16_t *table, int32_t x) {
  const uint32_t magnitude = x < 0 ? 0U - (uint32_t)x : (uint32_t)x;
  const uint32_t i = magnitude >> 9;
  uint32_t y = UINT32_C(0x7FFF) << 10;
  if (i < 255U) {
    const uint32_t a = tg_sigmoid16_at(table, i);
    y = (a << 9) + (magnitude & 511U) * (tg_sigmoid16_at(table, i + 1U) - a);
  }
  y = x < 0 ? (UINT32_C(1) << 25) - y + 511U : y + 512U;
  return (int16_t)(y >> 10);
}

/* tanh(x / 12288) * 32768: 2 * sigmoid(2 * x) - 1 */
static inline int16_t tg_tanh16(const int16_t *table, int32_t x) {
  const uint32_t magnitude = x < 0 ? 0U - (uint32_t)x : (uint32_t)x;
  const uint32_t i = magnitude >> 8;
  int32_t y = INT32_C(0xFFFF) * 256;
  if (i < 255U) {
    const uint32_t a = tg_sigmoid16_at(table, i);
    y = (int32_t)((a << 8) + (magnitude & 255U) * (tg_sigmoid16_at(table, i + 1U) - a));
  }
  y -= INT32_C(1) << 23;
  return (int16_t)((x < 0 ? 127 - y : y + 128) >> 8);
}

#endif

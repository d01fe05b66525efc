/* SPDX-License-Identifier: 0BSD */
/* Functions of int16 as tables of 513 entries in flash: entry i stands for 128 * (i - 256), between them lines are
 * drawn. */
#ifndef TG_LUT16_H
#define TG_LUT16_H

#include "tg_kernel.h"

static inline int32_t tg_lut16(const int16_t *table, int32_t x) {
  const int16_t *entry = table + 256 + (x >> 7);
  const int32_t base = TG_LOAD_S16(entry);
  const int32_t slope = TG_LOAD_S16(entry + 1) - base;
  return base + ((slope * (x & 127) + 64) >> 7);
}

#endif

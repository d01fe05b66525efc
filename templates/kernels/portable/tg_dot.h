/* SPDX-License-Identifier: 0BSD */
/* Sums of products over consecutive elements, the inner loops of the convolutions. */
#ifndef TG_DOT_H
#define TG_DOT_H

#include "tg_kernel.h"

/* sum of x[i] * w[i], i < n; w is in flash */
static inline int32_t tg_dot(const int8_t *x, const int8_t *w, int32_t n) {
  int32_t sum = 0;
  int32_t i = 0;
  for (; i < n - 3; i += 4) {
    sum += (int32_t)x[i] * TG_LOAD_S8(w + i);
    sum += (int32_t)x[i + 1] * TG_LOAD_S8(w + i + 1);
    sum += (int32_t)x[i + 2] * TG_LOAD_S8(w + i + 2);
    sum += (int32_t)x[i + 3] * TG_LOAD_S8(w + i + 3);
  }
  for (; i < n; ++i) {
    sum += (int32_t)x[i] * TG_LOAD_S8(w + i);
  }
  return sum;
}

/* sum of w[i], i < n; w is in flash */
static inline int32_t tg_sum(const int8_t *w, int32_t n) {
  int32_t sum = 0;
  for (int32_t i = 0; i < n; ++i) {
    sum += TG_LOAD_S8(w + i);
  }
  return sum;
}

#endif

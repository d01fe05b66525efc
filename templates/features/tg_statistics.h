/* SPDX-License-Identifier: 0BSD */
/* Statistics of a window of samples, as values in Q4. Its numpy twin is tinygen/features/statistics.py. */
#ifndef TG_STATISTICS_H
#define TG_STATISTICS_H

#include "tg_kernel.h"

enum { TG_MEAN, TG_STD, TG_RMS, TG_MIN, TG_MAX, TG_MEAN_CHANGE, TG_ZERO_CROSSINGS };

typedef struct {
  const int8_t *kinds;
  uint16_t kinds_count;
  uint16_t window_samples;
  int32_t reciprocal; /* 16 / window_samples in Q30 */
} tg_statistics_params;

/* The largest number whose square is not above x, of x < 2^62. */
static inline uint32_t tg_square_root(uint64_t x) {
  uint64_t rest = x;
  uint64_t root = 0; /* of the bits so far, times 2^bit */
  for (uint64_t bit = UINT64_C(1) << 60; bit != 0U; bit >>= 2) {
    if (rest >= root + bit) {
      rest -= root + bit;
      root = (root >> 1) + bit;
    } else {
      root >>= 1;
    }
  }
  return (uint32_t)root;
}

/* a sum over the window as a mean in Q4 */
static inline int32_t tg_mean(int32_t sum, int32_t reciprocal) {
  return (int32_t)(((int64_t)sum * reciprocal + (INT64_C(1) << 29)) >> 30);
}

/* sqrt(square) / window_samples in Q4, of square < 2^54 */
static inline int32_t tg_root_mean(uint64_t square, int32_t reciprocal) {
  return (int32_t)(((int64_t)tg_square_root(square << 8) * reciprocal + (INT64_C(1) << 33)) >> 34);
}

/* How often the samples cross their mean. */
static inline uint16_t tg_crossings(const int16_t *x, uint16_t step, uint16_t window, int32_t sum) {
  uint16_t crossings = 0;
  uint8_t was_high = (int32_t)*x * window >= sum;
  for (uint16_t i = 1; i < window; ++i) {
    x += step;
    const uint8_t is_high = (int32_t)*x * window >= sum;
    crossings = (uint16_t)(crossings + (is_high ^ was_high));
    was_high = is_high;
  }
  return crossings;
}

/* Of samples x[0], x[step], ... */
static inline void tg_statistics(const tg_statistics_params *p, const int16_t *x, uint16_t step, int32_t *values) {
  const uint16_t window = p->window_samples;
  int32_t sum = 0;
  int32_t changes = 0;
  uint64_t squares = 0;
  int16_t least = *x;
  int16_t most = *x;
  int16_t before = *x;
  const int16_t *from = x;
  for (uint16_t i = 0; i < window; ++i, from += step) {
    const int16_t now = *from;
    const int32_t change = (int32_t)now - before;
    sum += now;
    changes += change < 0 ? -change : change;
    squares += (uint64_t)((int64_t)now * now);
    if (now < least) least = now;
    if (now > most) most = now;
    before = now;
  }
  const uint64_t scaled = squares * window;
  for (uint16_t i = 0; i < p->kinds_count; ++i) {
    int32_t value = 0;
    switch (TG_LOAD_S8(p->kinds + i)) {
      case TG_MEAN:
        value = tg_mean(sum, p->reciprocal);
        break;
      case TG_STD:
        value = tg_root_mean(scaled - (uint64_t)((int64_t)sum * sum), p->reciprocal);
        break;
      case TG_RMS:
        value = tg_root_mean(scaled, p->reciprocal);
        break;
      case TG_MIN:
        value = (int32_t)least * 16;
        break;
      case TG_MAX:
        value = (int32_t)most * 16;
        break;
      case TG_MEAN_CHANGE:
        value = tg_mean(changes, p->reciprocal);
        break;
      default:
        value = (int32_t)tg_crossings(x, step, window, sum) * 16;
        break;
    }
    values[i] = value;
  }
}

#endif

/* SPDX-License-Identifier: 0BSD */
/* Drift: running means of a few statistics of each window, and how far they are from those of calibration. Its numpy
 * twin is tinygen/drift/watch.py. */
#ifndef TG_DRIFT_H
#define TG_DRIFT_H

#include "tg_kernel.h"

typedef struct {
  const int16_t *positions; /* in the input, one group after the other */
  const int32_t *means; /* on calibration data, 8 bits behind the point */
  const int32_t *multipliers; /* of differences; 28 bits behind the point */
  const int16_t *mixing; /* lower triangle; 10 bits behind the point */
  uint16_t groups;
  uint16_t each; /* positions of a group */
} tg_drift_params;

static inline void tg_drift_reset(const tg_drift_params *p, int32_t *means) {
  for (uint16_t k = 0; k < p->groups + 2U; ++k) means[k] = TG_LOAD_S32(p->means + k);
}

static inline void tg_drift_mean(int32_t *mean, int32_t statistic) { *mean += (statistic * 256 - *mean) >> 5; }

/* Before the inference, which may overwrite its input. */
static inline void tg_drift_input(const tg_drift_params *p, int32_t *means, const int8_t *input) {
  const int16_t *position = p->positions;
  int32_t squares = 0;
  for (uint16_t g = 0; g < p->groups; ++g) {
    int32_t sum = 0;
    for (uint16_t i = 0; i < p->each; ++i) {
      const int32_t x = input[TG_LOAD_S16(position)];
      ++position;
      sum += x;
      squares += x * x;
    }
    tg_drift_mean(&means[g], sum);
  }
  tg_drift_mean(&means[p->groups], squares >> 4);
}

/* Behind the inference: the score. */
static inline int32_t tg_drift_score(const tg_drift_params *p, int32_t *means, const int8_t *output, uint16_t scores) {
  int32_t top = output[0], score = 0, steps[10];
  for (uint16_t i = 1; i < scores; ++i) top = tg_max(top, output[i]);
  tg_drift_mean(&means[p->groups + 1], top);
  const int16_t *mix = p->mixing;
  for (uint16_t k = 0; k < p->groups + 2U; ++k) {
    const int64_t away = (int64_t)(means[k] - TG_LOAD_S32(p->means + k)) * TG_LOAD_S32(p->multipliers + k) >> 28;
    steps[k] = (int32_t)(away < -8191 ? -8191 : away > 8191 ? 8191 : away);
    int32_t mixed = 0;
    for (uint16_t j = 0; j <= k; ++j) {
      mixed += steps[j] * TG_LOAD_S16(mix);
      ++mix;
    }
    mixed = tg_clamp(mixed >> 10, -8191, 8191);
    score += mixed * mixed;
  }
  return score >> 8;
}

#endif

/* SPDX-License-Identifier: 0BSD */
/* A front end's last step: values become a model's int8 input. Its numpy twin is quantize_values in
 * tinygen/features/framing.py. */
#ifndef TG_QUANTIZE_FEATURES_H
#define TG_QUANTIZE_FEATURES_H

#include "tg_kernel.h"

typedef struct {
  const int32_t *multipliers;
  const int64_t *addends;
  uint16_t step; /* 0: one for all features, 1: one for each */
  int16_t shift;
} tg_quantize_features_params;

static inline void tg_quantize_features(
    const tg_quantize_features_params *p, const int32_t *values, uint16_t count, int8_t *out) {
  const int32_t *multiplier = p->multipliers;
  const int64_t *addend = p->addends;
  for (uint16_t i = 0; i < count; ++i) {
    const int64_t q = ((int64_t)values[i] * TG_LOAD_S32(multiplier) + TG_LOAD_S64(addend)) >> p->shift;
    out[i] = (int8_t)(q < -128 ? -128 : q > 127 ? 127 : q);
    multiplier += p->step;
    addend += p->step;
  }
}

#endif

/* SPDX-License-Identifier: 0BSD */
/* Scores become decisions: sums of the last results, a limit for each label, a time of rest. Its numpy twin is decide in
 * tinygen/decision/decider.py. */
#ifndef TG_DECIDE_H
#define TG_DECIDE_H

#include "tg_kernel.h"

typedef struct {
  const int16_t *limits; /* of each label's sum */
  uint16_t labels;
  uint16_t smoothing; /* results in a sum, at most 255: it fits 16 bits */
  uint16_t refractory; /* results without a decision behind one */
} tg_decide_params;

/* place: of the oldest result in `scores`; missing: results until the sums are full; rest: of those without a decision */
typedef struct {
  uint16_t place, missing, rest;
} tg_decide_state;

static inline void tg_decide_reset(
    const tg_decide_params *p, tg_decide_state *state, int8_t *scores, int16_t *sums) {
  state->place = 0;
  state->missing = p->smoothing;
  state->rest = 0;
  memset(scores, 0, (size_t)p->smoothing * p->labels);
  memset(sums, 0, sizeof *sums * p->labels);
}

/* Takes the scores of a new result; the label decided for, or -1. scores: smoothing x labels. */
static inline int tg_decide(
    const tg_decide_params *p, tg_decide_state *state, int8_t *scores, int16_t *sums, const int8_t *result) {
  int8_t *const oldest = scores + (size_t)state->place * p->labels;
  uint16_t top = 0;
  for (uint16_t i = 0; i < p->labels; ++i) {
    sums[i] = (int16_t)(sums[i] + result[i] - oldest[i]);
    oldest[i] = result[i];
    if (sums[i] > sums[top]) top = i;
  }
  state->place = (uint16_t)(state->place + 1U == p->smoothing ? 0 : state->place + 1U);
  if (state->missing != 0 && --state->missing != 0) return -1;
  if (state->rest != 0) {
    --state->rest;
    return -1;
  }
  if (sums[top] < TG_LOAD_S16(p->limits + top)) return -1;
  state->rest = p->refractory;
  return (int)top;
}

#endif

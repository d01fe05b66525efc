/* The anomaly score in whole numbers: what the network could not reconstruct, squared and summed. */
#ifndef SCORE_H
#define SCORE_H

#include <stdint.h>

/* Frames whose scores are one decision: 0.96 s. */
#define SCORE_FRAMES 12

/* Sum of the squares of int8 differences, in steps of their scale; at most 255 * 255 each, so it holds 66,000 of them. */
static inline uint32_t score_of(const int8_t *difference, int16_t count, int16_t zero_point) {
  uint32_t sum = 0;
  for (int16_t i = 0; i < count; ++i) {
    const int32_t steps = (int32_t)difference[i] - zero_point;
    sum += (uint32_t)(steps * steps);
  }
  return sum;
}

#endif

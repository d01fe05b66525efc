/* SPDX-License-Identifier: 0BSD */
/* One column, or two side by side, times all filters: what convolutions and dense layers share. */
#ifndef TG_PAIRS_H
#define TG_PAIRS_H

#include "tg_output.h"

typedef struct {
  uint16_t depth, outputs;  /* elements of a filter; filters */
  const int8_t *weights;    /* in pairs, as tg_mac.h has them */
  const int8_t *channels;   /* TG_CHANNEL_BYTES each, as tg_output.h has them */
  tg_limits limits;
} tg_filters;

/* tg_put(), without the call where ReLU cuts all off */
static inline __attribute__((always_inline)) void tg_put_cut(int8_t *to, const tg_u24 *sums, uint8_t columns,
                                                             const uint8_t *channel, const tg_filters *f) {
  if (f->limits.down == 0 && (sums[0] & sums[columns - 1] & 0x800000U) != 0) {
    *to = to[columns == 2 ? f->outputs : 0] = f->limits.zero_point;
  } else {
    tg_put(to, sums, columns, f->outputs, channel, &f->limits);
  }
}

/* `x`: one column, or two by turns (columns = 2); sums: 128 times that of each column. The second column's outputs lie
 * behind the first's. */
TG_APART void tg_times_filters(const tg_filters *f, const uint8_t *x, const tg_u24 *sums, uint8_t columns, int8_t *to) {
  const uint16_t pairs = (uint16_t)((f->depth + 1U) / 2U);
  const uint8_t *w = (const uint8_t *)f->weights, *channel = (const uint8_t *)f->channels;
  for (uint16_t left = f->outputs; left > 0; left = (uint16_t)(left - 2), w += 4 * pairs) {
    const uint8_t *next = channel + TG_CHANNEL_BYTES;
    const tg_u24 add0 = tg_load_u24(channel), add1 = left > 1 ? tg_load_u24(next) : 0;
    tg_u24 dots[4]; /* of the first filter with each column, and of the second one */
    dots[0] = add0 - sums[0];
    dots[2] = add1 - sums[0];
    if (columns == 2) {
      dots[1] = add0 - sums[1];
      dots[3] = add1 - sums[1];
      tg_dot_2x2(x, w, pairs, dots);
    } else {
      tg_dot_1x2(x, w, pairs, dots);
    }
    tg_put_cut(to++, dots, columns, channel, f);
    if (left == 1) break;
    tg_put_cut(to++, dots + 2, columns, next, f);
    channel = next + TG_CHANNEL_BYTES;
  }
}

#endif

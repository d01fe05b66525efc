/* SPDX-License-Identifier: 0BSD */
/* Sums of the channels over pixels, four channels at a time. */
#ifndef TG_SUM_H
#define TG_SUM_H

#include "tg_dsp.h"

/* n pixels' four channels, added to sum[4]; n <= 256, so that 16 bits hold them */
static inline void tg_sum_pixels(const int8_t *from, int32_t n, int32_t step, int32_t *sum) {
  uint32_t even = 0;
  uint32_t odd = 0;
  for (; n > 0; --n, from += step) {
    const uint32_t x = tg_load4(from);
    even = tg_add_even_bytes(even, x);
    odd = tg_add_odd_bytes(odd, x);
  }
  sum[0] += tg_low(even);
  sum[1] += tg_low(odd);
  sum[2] += tg_high(even);
  sum[3] += tg_high(odd);
}

/* Rows [y0, y1) added to sums[channels], which row 0 begins anew; rows that follow one another are one run of pixels. */
TG_SHARED void tg_sum_rows(const tg_input *in, int32_t y0, int32_t y1, int32_t width, int32_t channels, int32_t *sums) {
  if (y0 == 0) memset(sums, 0, (size_t)channels * sizeof(int32_t));
  while (y0 < y1) {
    const int32_t rows = tg_min(y1 - y0, in->ring_rows - y0 % in->ring_rows);
    for (int32_t c = 0; c < channels; c += 4) {
      const int8_t *from = tg_input_row(in, y0) + c;
      for (int32_t n = rows * width; n > 0; n -= 256, from += 256 * channels) {
        tg_sum_pixels(from, tg_min(n, 256), channels, sums + c);
      }
    }
    y0 += rows;
  }
}

#endif

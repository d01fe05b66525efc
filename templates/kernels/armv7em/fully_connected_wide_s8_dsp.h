/* SPDX-License-Identifier: 0BSD */
/* FULLY_CONNECTED, int8, on the DSP extension (tg_row.h); the input zero point is in the bias. scratch: one row,
 * widened, which takes less time than to widen it for every four filters. */
#ifndef TG_FULLY_CONNECTED_WIDE_S8_DSP_H
#define TG_FULLY_CONNECTED_WIDE_S8_DSP_H

#include "tg_row.h"

typedef struct {
  int32_t input_depth;
  tg_tile_output output;
} tg_fully_connected_wide_s8_dsp_params;

TG_SHARED void tg_fully_connected_wide_s8_dsp(const tg_fully_connected_wide_s8_dsp_params *p, const tg_input *in,
                                         const tg_output *out, int32_t y0, int32_t y1, void *scratch, void *carry) {
  const tg_tile_output *o = &p->output;
  uint32_t *column = (uint32_t *)scratch;
  const int32_t k = (p->input_depth + 3) & ~3;
  const int32_t relu = o->activation_min >= o->zero_point ? 1 : 0;
  const int32_t whole = o->channels & ~3;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    int8_t *to = tg_output_row(out, y);
    (void)tg_widen(tg_input_row(in, y), p->input_depth, column, 1);
    const int32_t *last = tg_row_wide(o->stream, column, k, whole / 4, o->zero_point, relu, to);
    if (whole < o->channels) {
      int8_t tail[4];
      (void)tg_row_wide(last, column, k, 1, o->zero_point, relu, tail);
      for (int32_t f = whole; f < o->channels; ++f) to[f] = tail[f - whole];
    }
    if (o->activation_min > INT8_MIN || o->activation_max < INT8_MAX) {
      tg_clamp_bytes(to, o->channels, o->activation_min, o->activation_max);
    }
  }
}

#endif

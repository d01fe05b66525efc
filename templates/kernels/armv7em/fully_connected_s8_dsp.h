/* SPDX-License-Identifier: 0BSD */
/* FULLY_CONNECTED, int8, on the DSP extension (tg_row.h); the input zero point is in the bias. input_depth is
 * a multiple of 4. */
#ifndef TG_FULLY_CONNECTED_S8_DSP_H
#define TG_FULLY_CONNECTED_S8_DSP_H

#include "tg_row.h"

typedef struct {
  int32_t input_depth;
  tg_tile_output output;
} tg_fully_connected_s8_dsp_params;

TG_SHARED void tg_fully_connected_s8_dsp(const tg_fully_connected_s8_dsp_params *p, const tg_input *in,
                                         const tg_output *out, int32_t y0, int32_t y1, void *scratch, void *carry) {
  const tg_tile_output *o = &p->output;
  const int32_t k = p->input_depth;
  const int32_t relu = o->activation_min >= o->zero_point ? 1 : 0;
  const int32_t whole = o->channels & ~3;
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    int8_t *to = tg_output_row(out, y);
    const int8_t *from = tg_input_row(in, y);
    const int32_t *last = tg_row_narrow(o->stream, from, k, whole / 4, o->zero_point, relu, to);
    if (whole < o->channels) {
      int8_t tail[4];
      (void)tg_row_narrow(last, from, k, 1, o->zero_point, relu, tail);
      for (int32_t f = whole; f < o->channels; ++f) to[f] = tail[f - whole];
    }
    if (o->activation_min > INT8_MIN || o->activation_max < INT8_MAX) {
      tg_clamp_bytes(to, o->channels, o->activation_min, o->activation_max);
    }
  }
}

#endif

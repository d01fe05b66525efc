/* SPDX-License-Identifier: 0BSD */
/* CONV_2D 1x1 with stride 1, int8, on the DSP extension: two pixels at a time (tg_tile.h). The input zero point is in
 * the bias. Pixels are taken in one run as far as rows follow one another in memory, so the blocks' height counts only
 * where a row has an odd number of pixels. scratch: two columns. */
#ifndef TG_POINTWISE_S8_DSP_H
#define TG_POINTWISE_S8_DSP_H

#include "tg_tile.h"

typedef struct {
  int32_t input_channels, width;
  tg_tile_output output;
} tg_pointwise_s8_dsp_params;

/* `pixels` that follow one another, to outputs that do */
static inline void tg_pointwise_s8_dsp_pixels(const tg_tile_output *p, tg_tile_frame *frame, int32_t depth,
                                              int32_t pixels, const int8_t *from, int8_t *to) {
  uint32_t *columns = frame->columns;
  const int fast = depth % 8 == 0 && p->channels % 4 == 0;
  frame->depth = depth;
  while (pixels > 0) {
    const int32_t distance = pixels > 1 ? 1 : 0;
    int32_t done = 2;
    if (fast) {
      done = tg_max(pixels & ~1, 1);
      frame->from = from;
      frame->distance = distance * depth;
      frame->pairs = tg_max(pixels / 2, 1);
      frame->out = to;
      frame->second = to + distance * p->channels;
      frame->out_end = to + p->channels;
      tg_tile_run(frame);
      tg_tile_clamp(p, to, done * p->channels);
    } else {
      (void)tg_widen(from, depth, columns, 2);
      (void)tg_widen(from + distance * depth, depth, columns + 1, 2);
      tg_tile_columns(p, frame, to, distance * p->channels);
    }
    pixels -= done;
    from += done * depth;
    to += done * p->channels;
  }
}

TG_SHARED void tg_pointwise_s8_dsp(const tg_pointwise_s8_dsp_params *p, const tg_input *in, const tg_output *out,
                                   int32_t y0, int32_t y1, void *scratch, void *carry) {
  const int32_t depth = p->input_channels;
  const tg_tile_output *output = &p->output;
  tg_tile_frame frame = tg_tile_begin(output, (uint32_t *)scratch, (depth + 3) & ~3);
  (void)carry;
  while (y0 < y1) {
    /* rows until a ring comes round */
    const int32_t until = tg_min(in->ring_rows - y0 % in->ring_rows, out->ring_rows - y0 % out->ring_rows);
    const int32_t rows = tg_min(y1 - y0, until);
    tg_pointwise_s8_dsp_pixels(output, &frame, depth, rows * p->width, tg_input_row(in, y0), tg_output_row(out, y0));
    y0 += rows;
  }
}

#endif

/* SPDX-License-Identifier: 0BSD */
/* CONV_2D of images of one column (layers over time), int8, on the DSP extension: the windows of two output rows at a
 * time as columns (tg_tile.h). A window whose rows follow one another in memory is one run of bytes. The input zero point
 * is in the bias; rows outside the input count as the zero point. scratch: two columns, and a window. */
#ifndef TG_CONV_1D_S8_DSP_H
#define TG_CONV_1D_S8_DSP_H

#include "tg_tile.h"

typedef struct {
  int32_t input_height, input_channels;
  int32_t kernel_height, stride, dilation, pad_top;
  int32_t input_zero_point;
  tg_tile_output output;
} tg_conv_1d_s8_dsp_params;

/* The window of output row y as every second word from `to`; `spare` is memory for one. */
TG_SHARED void tg_conv_1d_s8_dsp_window(const tg_conv_1d_s8_dsp_params *p, const tg_input *in, int32_t y, uint32_t *to,
                                        int8_t *spare) {
  const int32_t depth = p->input_channels;
  const int32_t bytes = p->kernel_height * depth;
  const int8_t *window = spare;
  int32_t iy = y * p->stride - p->pad_top;
  const int inside = iy >= 0 && iy + (p->kernel_height - 1) * p->dilation < p->input_height;
  if (inside && p->dilation == 1 && in->row_bytes == depth && iy % in->ring_rows + p->kernel_height <= in->ring_rows) {
    window = tg_input_row(in, iy);
  } else if (depth % 4 == 0) {
    if (!inside) memset(spare, p->input_zero_point, (size_t)depth);
    for (int32_t ky = p->kernel_height; ky > 0; --ky, iy += p->dilation) {
      to = tg_widen_words(iy >= 0 && iy < p->input_height ? tg_input_row(in, iy) : spare, depth >> 2, to);
    }
    return;
  } else {
    for (int32_t i = 0; i < bytes; i += depth, iy += p->dilation) {
      if (iy >= 0 && iy < p->input_height) {
        memcpy(spare + i, tg_input_row(in, iy), (size_t)depth);
      } else {
        memset(spare + i, p->input_zero_point, (size_t)depth);
      }
    }
  }
  to = tg_widen_words(window, bytes >> 2, to);
  (void)tg_widen(window + (bytes & ~3), bytes & 3, to, 2);
}

TG_SHARED void tg_conv_1d_s8_dsp(const tg_conv_1d_s8_dsp_params *p, const tg_input *in, const tg_output *out, int32_t y0,
                                 int32_t y1, void *scratch, void *carry) {
  const int32_t k = (p->kernel_height * p->input_channels + 3) & ~3;
  uint32_t *columns = (uint32_t *)scratch;
  int8_t *spare = (int8_t *)(columns + k);
  const tg_tile_output *output = &p->output;
  tg_tile_frame frame = tg_tile_begin(output, columns, k);
  (void)carry;
  for (; y0 < y1; y0 += 2) {
    /* of a row that is left over the column twice */
    const int32_t second = tg_min(y0 + 1, y1 - 1);
    int8_t *to = tg_output_row(out, y0);
    tg_conv_1d_s8_dsp_window(p, in, y0, columns, spare);
    tg_conv_1d_s8_dsp_window(p, in, second, columns + 1, spare);
    tg_tile_columns(output, &frame, to, (int32_t)(tg_output_row(out, second) - to));
  }
}

#endif

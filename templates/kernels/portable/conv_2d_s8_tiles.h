/* SPDX-License-Identifier: 0BSD */
/* CONV_2D, int8, without groups, in tiles (tg_tiles.h): the columns are the windows of output pixels, which go on from
 * row to row of a block. Elements outside the input count as the zero point, which is in the bias.
 * scratch: two columns. */
#ifndef TG_CONV_2D_S8_TILES_H
#define TG_CONV_2D_S8_TILES_H

#include "tg_tiles.h"

typedef struct {
  int32_t input_height, input_width, input_channels;
  int32_t output_width;
  int32_t kernel_height, kernel_width;
  int32_t stride_height, stride_width;
  int32_t dilation_height, dilation_width;
  int32_t pad_top, pad_left;
  int32_t input_zero_point;
  tg_tiles tiles;
} tg_conv_2d_s8_tiles_params;

/* The window of output row y whose first column is `left`, as a column; returns what its sums start at. */
static inline uint32_t tg_conv_2d_s8_tiles_window(const tg_conv_2d_s8_tiles_params *p, const tg_input *in, int32_t y,
                                                  int32_t left, uint8_t *to) {
  const int32_t depth = p->input_channels;
  const int inside = p->dilation_width == 1 && left >= 0 && left + p->kernel_width <= p->input_width;
  const int32_t run = inside ? p->kernel_width * depth : depth;
  uint32_t sum = 0;
  for (int32_t ky = 0; ky < p->kernel_height; ++ky) {
    const int32_t iy = y * p->stride_height - p->pad_top + ky * p->dilation_height;
    if (iy < 0 || iy >= p->input_height) {
      sum += tg_tiles_fill_zero(p->input_zero_point, p->kernel_width * depth, to);
      to += TG_TILE_COLUMNS * p->kernel_width * depth;
      continue;
    }
    const int8_t *row = tg_input_row(in, iy);
    for (int32_t kx = 0; kx < p->kernel_width; ++kx) {
      const int32_t x = left + kx * p->dilation_width;
      if (x < 0 || x >= p->input_width) {
        sum += tg_tiles_fill_zero(p->input_zero_point, depth, to);
      } else {
        sum += tg_tiles_fill(row + x * depth, run, to);
      }
      to += TG_TILE_COLUMNS * run;
      if (inside) break;
    }
  }
  return (uint32_t)0 - 128U * sum;
}

TG_KERNEL void tg_conv_2d_s8_tiles(const tg_conv_2d_s8_tiles_params *p, const tg_input *in, const tg_output *out,
                                   int32_t y0, int32_t y1, void *scratch, void *carry) {
  uint8_t *columns = (uint8_t *)scratch;
  uint32_t starts[TG_TILE_COLUMNS];
  int8_t *to[TG_TILE_COLUMNS];
  int32_t count = 0;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    int8_t *pixel = tg_output_row(out, y);
    for (int32_t x = 0; x < p->output_width; ++x, pixel += p->tiles.channels) {
      to[count] = pixel;
      starts[count] = tg_conv_2d_s8_tiles_window(p, in, y, x * p->stride_width - p->pad_left, columns + count);
      if (++count == TG_TILE_COLUMNS) {
        tg_tiles_columns(&p->tiles, columns, TG_TILE_COLUMNS, starts, to);
        count = 0;
      }
    }
  }
  if (count > 0) { /* one of two is left */
    for (int32_t k = 0; k < p->tiles.depth; ++k) columns[k] = columns[TG_TILE_COLUMNS * k];
    tg_tiles_columns(&p->tiles, columns, 1, starts, to);
  }
}

#endif

/* SPDX-License-Identifier: 0BSD */
/* CONV_2D, int8, any window, on the DSP extension: two output pixels at a time, whose windows are laid out as columns
 * (tg_tile.h). A column has first what is whole words of each window row, then the rows' last one to three bytes. The
 * input zero point is in the bias; elements outside the input count as the zero point.
 * scratch: two columns, where the window's rows begin, one window row, and the last bytes of all of them. */
#ifndef TG_CONV_2D_S8_DSP_H
#define TG_CONV_2D_S8_DSP_H

#include "tg_tile.h"

typedef struct {
  int32_t input_height, input_width, input_channels;
  int32_t output_width;
  int32_t kernel_height, kernel_width;
  int32_t stride_height, stride_width;
  int32_t dilation_height, dilation_width;
  int32_t pad_top, pad_left;
  int32_t input_zero_point;
  tg_tile_output output;
} tg_conv_2d_s8_dsp_params;

/* One window row, of which a part lies outside the input or which has gaps, as bytes; row NULL: all of it outside. */
TG_SHARED void tg_conv_2d_s8_dsp_border(const tg_conv_2d_s8_dsp_params *p, const int8_t *row, int32_t left,
                                        int8_t *to) {
  const int32_t depth = p->input_channels;
  for (int32_t kx = 0; kx < p->kernel_width; ++kx) {
    const int32_t x = left + kx * p->dilation_width;
    const int inside = row != NULL && x >= 0 && x < p->input_width;
    const int8_t *from = inside ? row + x * depth : NULL;
    for (int32_t i = 0; i < depth; ++i) {
      *to++ = (int8_t)tg_opaque(inside ? from[i] : p->input_zero_point);
    }
  }
}

/* 3 rows of 9 bytes: the window of most first layers */
TG_SHARED void tg_conv_2d_s8_dsp_3x9(const int8_t *base, const int32_t *rows, uint32_t *to) {
  for (int32_t ky = 0; ky < 3; ++ky, to += 8) {
    const uint32_t a = tg_load4(base + rows[ky]);
    const uint32_t b = tg_load4(base + rows[ky] + 4);
    to[0] = tg_even_bytes(a);
    to[2] = tg_odd_bytes(a);
    to[4] = tg_even_bytes(b);
    to[6] = tg_odd_bytes(b);
  }
  to[0] = tg_halves(base[rows[0] + 8], base[rows[2] + 8]);
  to[2] = tg_halves(base[rows[1] + 8], 0);
}

/* The window whose first column is `left` as every second word from `to`; rows[ky] is where an input row begins, or -1;
 * `spare` is memory for one window row and the rows' last bytes. */
TG_SHARED void tg_conv_2d_s8_dsp_window(const tg_conv_2d_s8_dsp_params *p, const int8_t *base, const int32_t *rows,
                                        int32_t left, uint32_t *to, int8_t *spare) {
  const int32_t bytes = p->kernel_width * p->input_channels;
  const int32_t last = bytes & 3;
  const int inside = p->dilation_width == 1 && left >= 0 && left + p->kernel_width <= p->input_width;
  int8_t *rest = spare + bytes;
  if (inside && bytes == 9 && p->kernel_height == 3 && (rows[0] | rows[1] | rows[2]) >= 0) {
    tg_conv_2d_s8_dsp_3x9(base + left * p->input_channels, rows, to);
    return;
  }
  for (int32_t ky = 0; ky < p->kernel_height; ++ky) {
    const int8_t *row = base + rows[ky] + left * p->input_channels;
    if (!inside || rows[ky] < 0) {
      tg_conv_2d_s8_dsp_border(p, rows[ky] < 0 ? NULL : base + rows[ky], left, spare);
      row = spare;
    }
    for (int32_t n = bytes >> 2; n > 0; --n, row += 4, to += 4) {
      const uint32_t word = tg_load4(row);
      to[0] = tg_even_bytes(word);
      to[2] = tg_odd_bytes(word);
    }
    if (last > 0) {
      *rest++ = row[0];
      if (last > 1) *rest++ = row[1];
      if (last > 2) *rest++ = row[2];
    }
  }
  if (last > 0) (void)tg_widen(spare + bytes, p->kernel_height * last, to, 2);
}

TG_SHARED void tg_conv_2d_s8_dsp(const tg_conv_2d_s8_dsp_params *p, const tg_input *in, const tg_output *out,
                                 int32_t y0, int32_t y1, void *scratch, void *carry) {
  const int32_t k = (p->kernel_height * p->kernel_width * p->input_channels + 3) & ~3;
  uint32_t *columns = (uint32_t *)scratch;
  int32_t *rows = (int32_t *)(columns + k);
  int8_t *spare = (int8_t *)(rows + p->kernel_height);
  const tg_tile_output output = p->output;
  int8_t *first = NULL; /* where the first column's outputs go, once it is there */
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    int8_t *to = tg_output_row(out, y);
    for (int32_t ky = 0; ky < p->kernel_height; ++ky) {
      const int32_t iy = y * p->stride_height - p->pad_top + ky * p->dilation_height;
      rows[ky] = iy < 0 || iy >= p->input_height ? -1 : iy % in->ring_rows * in->row_bytes;
    }
    int32_t left = -p->pad_left;
    for (int32_t x = 0; x < p->output_width; ++x, left += p->stride_width, to += output.channels) {
      tg_conv_2d_s8_dsp_window(p, in->base, rows, left, first == NULL ? columns : columns + 1, spare);
      if (first == NULL) {
        first = to;
      } else {
        tg_tile_columns(&output, columns, k, first, (int32_t)(to - first));
        first = NULL;
      }
    }
  }
  if (first != NULL) {
    /* one is left over: its column twice */
    for (int32_t i = 0; i < k; i += 2) columns[i + 1] = columns[i];
    tg_tile_columns(&output, columns, k, first, 0);
  }
}

#endif

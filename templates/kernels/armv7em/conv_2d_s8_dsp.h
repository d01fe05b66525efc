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

/* n bytes, few of them */
static inline void tg_conv_2d_s8_dsp_copy(const int8_t *from, int32_t n, int8_t *to) {
  for (; n > 0; --n) *to++ = (int8_t)tg_opaque(*from++);
}

/* The taps of a window row that lie inside the input, where the window has gaps. */
TG_SHARED void tg_conv_2d_s8_dsp_gaps(const tg_conv_2d_s8_dsp_params *p, const int8_t *row, int32_t x, int8_t *to) {
  const int32_t depth = p->input_channels;
  for (int32_t kx = 0; kx < p->kernel_width; ++kx, x += p->dilation_width, to += depth) {
    if (x >= 0 && x < p->input_width) tg_conv_2d_s8_dsp_copy(row + x * depth, depth, to);
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

/* a window that lies inside, whose rows are whole words */
TG_SHARED void tg_conv_2d_s8_dsp_inside(const int8_t *base, const int32_t *rows, int32_t words, uint32_t *to,
                                        const int32_t *rows_end) {
  for (; rows != rows_end; ++rows) to = tg_widen_words(base + *rows, words, to);
}

/* The window whose first column is `left` as every second word from `to`; rows[ky] is where an input row begins, or -1;
 * `spare` is memory for one window row and the rows' last bytes. */
TG_SHARED void tg_conv_2d_s8_dsp_window(const tg_conv_2d_s8_dsp_params *p, const int8_t *base, const int32_t *rows,
                                        int32_t left, uint32_t *to, int8_t *spare) {
  const int32_t depth = p->input_channels;
  const int32_t bytes = p->kernel_width * depth;
  const int32_t last = bytes & 3;
  const int32_t words = bytes >> 2;
  const int32_t zero_point = p->input_zero_point;
  const uint32_t zeros = tg_halves(zero_point, zero_point);
  /* bytes of a row: outside on the left, and until the right end of the input */
  const int32_t before = tg_clamp(-left, 0, p->kernel_width) * depth;
  const int32_t until = tg_clamp(p->input_width - left, 0, p->kernel_width) * depth;
  const int inside = p->dilation_width == 1 && before == 0 && until == bytes;
  int8_t *rest = spare + bytes;
  if (!inside) {
    for (int32_t i = 0; i < bytes; ++i) spare[i] = (int8_t)tg_opaque(zero_point);
  }
  for (int32_t ky = 0; ky < p->kernel_height; ++ky) {
    const int8_t *row = spare;
    if (rows[ky] < 0) {
      for (int32_t n = words; n > 0; --n, to += 4) to[0] = to[2] = zeros;
      for (int32_t n = last; n > 0; --n) *rest++ = (int8_t)tg_opaque(zero_point);
      continue;
    }
    if (inside) {
      row = base + rows[ky] + left * depth;
    } else if (p->dilation_width == 1) {
      if (before < until) tg_conv_2d_s8_dsp_copy(base + rows[ky] + left * depth + before, until - before, spare + before);
    } else {
      tg_conv_2d_s8_dsp_gaps(p, base + rows[ky], left, spare);
    }
    to = tg_widen_words(row, words, to);
    tg_conv_2d_s8_dsp_copy(row + 4 * words, last, rest);
    rest += last;
  }
  if (last > 0) (void)tg_widen(spare + bytes, p->kernel_height * last, to, 2);
}

TG_SHARED void tg_conv_2d_s8_dsp(const tg_conv_2d_s8_dsp_params *p, const tg_input *in, const tg_output *out,
                                 int32_t y0, int32_t y1, void *scratch, void *carry) {
  const int32_t bytes = p->kernel_width * p->input_channels;
  const int32_t k = (p->kernel_height * bytes + 3) & ~3;
  const int is_3x9 = bytes == 9 && p->kernel_height == 3;
  const int fast = p->dilation_width == 1 && (is_3x9 || bytes % 4 == 0);
  const int32_t step = p->stride_width * p->input_channels;
  uint32_t *columns = (uint32_t *)scratch;
  int32_t *rows = (int32_t *)(columns + k);
  int8_t *spare = (int8_t *)(rows + p->kernel_height);
  const tg_tile_output *output = &p->output;
  tg_tile_frame frame = tg_tile_begin(output, columns, k);
  int8_t *first = NULL; /* where the first column's outputs go, once it is there */
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    int8_t *to = tg_output_row(out, y);
    int32_t all = 0;
    for (int32_t ky = 0; ky < p->kernel_height; ++ky) {
      const int32_t iy = y * p->stride_height - p->pad_top + ky * p->dilation_height;
      rows[ky] = iy < 0 || iy >= p->input_height ? -1 : iy % in->ring_rows * in->row_bytes;
      all |= rows[ky];
    }
    /* the windows [0, last] of the row lie inside, but for those that begin before it */
    const int32_t last = fast && all >= 0 ? p->input_width - p->kernel_width : -1;
    int32_t left = -p->pad_left;
    int32_t from = left * p->input_channels;
    for (int32_t x = p->output_width; x > 0; --x, left += p->stride_width, from += step, to += output->channels) {
      uint32_t *column = first == NULL ? columns : columns + 1;
      if (left < 0 || left > last) {
        tg_conv_2d_s8_dsp_window(p, in->base, rows, left, column, spare);
      } else if (is_3x9) {
        tg_conv_2d_s8_dsp_3x9(in->base + from, rows, column);
      } else {
        tg_conv_2d_s8_dsp_inside(in->base + from, rows, bytes >> 2, column, rows + p->kernel_height);
      }
      if (first == NULL) {
        first = to;
      } else {
        tg_tile_columns(output, &frame, first, (int32_t)(to - first));
        first = NULL;
      }
    }
  }
  if (first != NULL) {
    /* one is left over: its column twice */
    for (int32_t i = 0; i < k; i += 2) columns[i + 1] = columns[i];
    tg_tile_columns(output, &frame, first, 0);
  }
}

#endif

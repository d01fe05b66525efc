/* SPDX-License-Identifier: 0BSD */
/* DEPTHWISE_CONV_2D 3x3 with stride 1 or 2, int8, channels a multiple of 4, on the DSP extension.
 *
 * Strips of input rows of four channels at a time are widened into planes: word j of a row holds the pixels
 * (2j - pad_left, 2j + 1 - pad_left) as halves; in memory the rows of a word follow one another, then the channels,
 * then the words (uint32_t[words][4][TG_DW3_ROWS]). Stride 1 computes 2x2 outputs at a time, stride 2 1x2. Elements outside
 * the input count as the zero point, which is in the bias.
 *
 * The stream has per channel 18 bytes: the right shift; for each window row {w0, w2, w1}; twice the bias; the
 * multiplier. scratch: the planes. */
#ifndef TG_DEPTHWISE_3X3_S8_DSP_H
#define TG_DEPTHWISE_3X3_S8_DSP_H

#include "tg_dw3_stride_1.h"
#include "tg_dw3_stride_2.h"

typedef struct {
  int32_t input_height, input_width, channels;
  int32_t output_width;
  int32_t stride;     /* 1 or 2 */
  int32_t strip_rows; /* of the output, made together */
  int32_t pad_top, pad_left;
  int32_t words; /* of a row in the planes */
  int32_t input_zero_point, output_zero_point;
  int32_t activation_min, activation_max;
  const int8_t *stream;
} tg_depthwise_3x3_s8_dsp_params;

/* Of `count` words of rows the zero point in rows [0, first) and [last, rows). */
static inline void tg_dw3_border(uint32_t *planes, int32_t count, int32_t first, int32_t last, int32_t rows,
                                 uint32_t zeros) {
  for (int32_t i = 0; i < 4 * count; ++i, planes += TG_DW3_ROWS) {
    for (int32_t row = 0; row < first; ++row) planes[row] = zeros;
    for (int32_t row = last; row < rows; ++row) planes[row] = zeros;
  }
}

/* output rows [y, y + rows), which follow one another in memory */
static inline void tg_dw3_strip_rows(const tg_depthwise_3x3_s8_dsp_params *p, const tg_input *in, int8_t *to, int32_t y,
                                     int32_t rows, uint32_t *planes) {
  const int32_t top = y * p->stride - p->pad_top;
  const int32_t first = tg_max(top, 0);
  const int32_t last = tg_min(top + (rows - 1) * p->stride + 3, p->input_height);
  /* what of the row the windows reach */
  const int32_t width = tg_min(p->input_width, 2 * p->words - p->pad_left);
  const uint32_t splat = ((uint32_t)p->input_zero_point & 0xFFU) * 0x01010101U;
  const tg_dw3_source source = tg_dw3_make_source(p->channels, in->row_bytes, p->pad_left, width, splat);
  const int32_t relu = p->activation_min >= p->output_zero_point ? 1 : 0;
  const tg_dw3_strip strip = {p->channels, p->output_width * p->channels, p->output_zero_point, relu, rows,
                              p->output_width};
  const int8_t *stream = p->stream;
  const int32_t known = source.left + source.pairs + source.right;
  const int32_t needed = (rows - 1) * p->stride + 3;
  const uint32_t zeros = tg_halves(p->input_zero_point, p->input_zero_point);
  if (first > top || last < top + needed) tg_dw3_border(planes, known, first - top, last - top, needed, zeros);
  tg_dw3_border(planes + known * 4 * TG_DW3_ROWS, p->words - known, needed, needed, needed, zeros);
  for (int32_t c = 0; c < p->channels; c += 4) {
    for (int32_t row = first; row < last;) {
      const int32_t count = tg_min(last - row, in->ring_rows - row % in->ring_rows);
      tg_dw3_widen(tg_input_row(in, row) + c, planes + row - top, count, &source);
      row += count;
    }
    for (int32_t i = 0; i < 4; ++i, stream += 18) {
      if (p->stride == 1) {
        tg_dw3_stride_1(planes + i * TG_DW3_ROWS, to + c + i, stream, &strip);
      } else {
        tg_dw3_stride_2(planes + i * TG_DW3_ROWS, to + c + i, stream, &strip);
      }
    }
  }
  if (p->activation_min > INT8_MIN || p->activation_max < INT8_MAX) {
    tg_clamp_bytes(to, rows * strip.row_step, p->activation_min, p->activation_max);
  }
}

TG_SHARED void tg_depthwise_3x3_s8_dsp(const tg_depthwise_3x3_s8_dsp_params *p, const tg_input *in,
                                       const tg_output *out, int32_t y0, int32_t y1, void *scratch, void *carry) {
  (void)carry;
  for (int32_t strip = y0; strip < y1; strip += p->strip_rows) {
    const int32_t end = tg_min(strip + p->strip_rows, y1);
    for (int32_t y = strip; y < end;) {
      const int32_t rows = tg_min(end - y, out->ring_rows - y % out->ring_rows);
      tg_dw3_strip_rows(p, in, tg_output_row(out, y), y, rows, (uint32_t *)scratch);
      y += rows;
    }
  }
}

#endif

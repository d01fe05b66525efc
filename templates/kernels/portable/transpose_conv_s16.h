/* SPDX-License-Identifier: 0BSD */
/* TRANSPOSE_CONV, int16 with int8 weights, NHWC; weights
 * [output_channels][kernel_height][kernel_width][input_channels]. As transpose_conv_s8.h: each output element
 * gathers what reaches it. */
#ifndef TG_TRANSPOSE_CONV_S16_H
#define TG_TRANSPOSE_CONV_S16_H

#include "tg_dot16.h"

typedef struct {
  int32_t input_height, input_width, input_channels;
  int32_t output_width, output_channels;
  int32_t kernel_height, kernel_width;
  int32_t stride_height, stride_width;
  int32_t pad_top, pad_left;
  int32_t input_zero_point, output_zero_point; /* 0, as all zero points of int16 */
  int32_t activation_min, activation_max;
  int32_t wide; /* 1: multipliers of 16 bits; 0: of 32, and sums that wrap at 32 bits */
  const int8_t *weights;
  const int64_t *bias;
  const int32_t *multiplier;
  const int8_t *shift;
} tg_transpose_conv_s16_params;

/* One output element before the bias. w is its channel's filter; y and x are counted from the padding's edge. */
static inline int64_t tg_transpose_conv_s16_gather(const tg_transpose_conv_s16_params *p, const tg_input *in,
                                                   int32_t y, int32_t x, const int8_t *w) {
  int64_t acc = 0;
  for (int32_t ky = y % p->stride_height; ky < p->kernel_height && ky <= y; ky += p->stride_height) {
    const int32_t iy = (y - ky) / p->stride_height;
    if (iy >= p->input_height) continue;
    const int16_t *row = tg_input_row16(in, iy);
    for (int32_t kx = x % p->stride_width; kx < p->kernel_width && kx <= x; kx += p->stride_width) {
      const int32_t ix = (x - kx) / p->stride_width;
      if (ix >= p->input_width) continue;
      const int8_t *tap = w + (ky * p->kernel_width + kx) * p->input_channels;
      acc += tg_dot16(row + ix * p->input_channels, tap, p->input_channels);
    }
  }
  return acc;
}

TG_KERNEL void tg_transpose_conv_s16(const tg_transpose_conv_s16_params *p, const tg_input *in, const tg_output *out,
                                     int32_t y0, int32_t y1, void *scratch, void *carry) {
  const int32_t filter_size = p->kernel_height * p->kernel_width * p->input_channels;
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    int16_t *to = tg_output_row16(out, y);
    for (int32_t x = 0; x < p->output_width; ++x) {
      for (int32_t c = 0; c < p->output_channels; ++c) {
        const int8_t *w = p->weights + c * filter_size;
        const int64_t acc = tg_transpose_conv_s16_gather(p, in, y + p->pad_top, x + p->pad_left, w);
        *to++ = tg_output16(acc + TG_LOAD_S64(p->bias + c), p->wide, TG_LOAD_S32(p->multiplier + c),
                            TG_LOAD_S8(p->shift + c), p->activation_min, p->activation_max);
      }
    }
  }
}

#endif

/* SPDX-License-Identifier: 0BSD */
/* CONV_2D, int16 with int8 weights, NHWC; weights [output_channels][kernel_height][kernel_width][input_channels /
 * groups]. */
#ifndef TG_CONV_2D_S16_H
#define TG_CONV_2D_S16_H

#include "tg_dot16.h"

typedef struct {
  int32_t input_height, input_width, input_channels;
  int32_t output_width, output_channels;
  int32_t kernel_height, kernel_width;
  int32_t stride_height, stride_width;
  int32_t dilation_height, dilation_width;
  int32_t pad_top, pad_left;
  int32_t input_zero_point, output_zero_point; /* 0, as all zero points of int16 */
  int32_t activation_min, activation_max;
  int32_t groups;
  int32_t wide; /* 1: multipliers of 16 bits; 0: of 32, and sums that wrap at 32 bits */
  const int8_t *weights;
  const int64_t *bias;
  const int32_t *multiplier;
  const int8_t *shift;
} tg_conv_2d_s16_params;

/* One output element before the bias. Columns [kx0, kx1) of the window lie inside the input; first is the input
 * column of window column 0, base_channel the first channel of the filter's group. */
static inline int64_t tg_conv_2d_s16_window(const tg_conv_2d_s16_params *p, const tg_input *in, int32_t y,
                                            int32_t first, int32_t kx0, int32_t kx1, int32_t base_channel,
                                            const int8_t *w) {
  const int32_t depth = p->input_channels / p->groups;
  const int32_t taps = p->groups == 1 && p->dilation_width == 1 ? kx1 - kx0 : 1; /* consecutive in memory */
  int64_t acc = 0;
  for (int32_t ky = 0; ky < p->kernel_height; ++ky, w += p->kernel_width * depth) {
    const int32_t iy = y * p->stride_height - p->pad_top + ky * p->dilation_height;
    if (iy < 0 || iy >= p->input_height) continue;
    const int16_t *row = tg_input_row16(in, iy) + base_channel;
    for (int32_t kx = kx0; kx < kx1; kx += taps) {
      acc += tg_dot16(row + (first + kx * p->dilation_width) * p->input_channels, w + kx * depth, taps * depth);
    }
  }
  return acc;
}

TG_KERNEL void tg_conv_2d_s16(const tg_conv_2d_s16_params *p, const tg_input *in, const tg_output *out, int32_t y0,
                              int32_t y1, void *scratch, void *carry) {
  const int32_t depth = p->input_channels / p->groups;
  const int32_t filter_size = p->kernel_height * p->kernel_width * depth;
  const int32_t filters_per_group = p->output_channels / p->groups;
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    int16_t *to = tg_output_row16(out, y);
    for (int32_t x = 0; x < p->output_width; ++x) {
      const int32_t first = x * p->stride_width - p->pad_left;
      int32_t kx0 = 0;
      int32_t kx1 = p->kernel_width;
      while (kx0 < kx1 && first + kx0 * p->dilation_width < 0) ++kx0;
      while (kx1 > kx0 && first + (kx1 - 1) * p->dilation_width >= p->input_width) --kx1;
      for (int32_t c = 0; c < p->output_channels; ++c) {
        const int32_t base_channel = c / filters_per_group * depth;
        const int8_t *w = p->weights + c * filter_size;
        const int64_t acc = tg_conv_2d_s16_window(p, in, y, first, kx0, kx1, base_channel, w);
        *to++ = tg_output16(acc + TG_LOAD_S64(p->bias + c), p->wide, TG_LOAD_S32(p->multiplier + c),
                            TG_LOAD_S8(p->shift + c), p->activation_min, p->activation_max);
      }
    }
  }
}

#endif

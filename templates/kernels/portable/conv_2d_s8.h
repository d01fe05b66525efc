/* SPDX-License-Identifier: 0BSD */
/* CONV_2D, int8, NHWC; weights [output_channels][kernel_height][kernel_width][input_channels / groups].
 * bias has the input zero point folded in (bias - zero_point * sum of the filter's weights), so elements
 * outside the input count as the zero point. */
#ifndef TG_CONV_2D_S8_H
#define TG_CONV_2D_S8_H

#include "tg_dot.h"
#include "tg_fixedpoint.h"

typedef struct {
  int32_t input_height, input_width, input_channels;
  int32_t output_width, output_channels;
  int32_t kernel_height, kernel_width;
  int32_t stride_height, stride_width;
  int32_t dilation_height, dilation_width;
  int32_t pad_top, pad_left;
  int32_t input_zero_point, output_zero_point;
  int32_t activation_min, activation_max;
  int32_t groups;
  const int8_t *weights;
  const int32_t *bias;
  const int32_t *multiplier;
  const int8_t *shift;
} tg_conv_2d_s8_params;

/* One output element before requantization. Columns [kx0, kx1) of the window lie inside the input;
 * first is the input column of window column 0, base_channel the first channel of the filter's group. */
static inline int32_t tg_conv_2d_s8_window(const tg_conv_2d_s8_params *p, const tg_input *in, int32_t y, int32_t first,
                                           int32_t kx0, int32_t kx1, int32_t base_channel, const int8_t *w) {
  const int32_t depth = p->input_channels / p->groups;
  const int32_t taps = p->groups == 1 && p->dilation_width == 1 ? kx1 - kx0 : 1; /* consecutive in memory */
  int32_t acc = 0;
  for (int32_t ky = 0; ky < p->kernel_height; ++ky, w += p->kernel_width * depth) {
    const int32_t iy = y * p->stride_height - p->pad_top + ky * p->dilation_height;
    if (iy < 0 || iy >= p->input_height || kx0 >= kx1) {
      acc += p->input_zero_point * tg_sum(w, p->kernel_width * depth);
      continue;
    }
    const int8_t *row = tg_input_row(in, iy) + base_channel;
    acc += p->input_zero_point * tg_sum(w, kx0 * depth);
    for (int32_t kx = kx0; kx < kx1; kx += taps) {
      acc += tg_dot(row + (first + kx * p->dilation_width) * p->input_channels, w + kx * depth, taps * depth);
    }
    acc += p->input_zero_point * tg_sum(w + kx1 * depth, (p->kernel_width - kx1) * depth);
  }
  return acc;
}

TG_KERNEL void tg_conv_2d_s8(const tg_conv_2d_s8_params *p, const tg_input *in, const tg_output *out, int32_t y0,
                             int32_t y1, void *scratch, void *carry) {
  const int32_t depth = p->input_channels / p->groups;
  const int32_t filter_size = p->kernel_height * p->kernel_width * depth;
  const int32_t filters_per_group = p->output_channels / p->groups;
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    int8_t *to = tg_output_row(out, y);
    for (int32_t x = 0; x < p->output_width; ++x) {
      const int32_t first = x * p->stride_width - p->pad_left;
      int32_t kx0 = 0;
      int32_t kx1 = p->kernel_width;
      while (kx0 < kx1 && first + kx0 * p->dilation_width < 0) ++kx0;
      while (kx1 > kx0 && first + (kx1 - 1) * p->dilation_width >= p->input_width) --kx1;
      for (int32_t c = 0; c < p->output_channels; ++c) {
        const int32_t base_channel = c / filters_per_group * depth;
        int32_t acc = tg_conv_2d_s8_window(p, in, y, first, kx0, kx1, base_channel, p->weights + c * filter_size);
        acc = tg_add_wrap(acc, TG_LOAD_S32(p->bias + c));
        acc = tg_requantize(acc, TG_LOAD_S32(p->multiplier + c), TG_LOAD_S8(p->shift + c));
        acc = tg_add_wrap(acc, p->output_zero_point);
        *to++ = (int8_t)tg_clamp(acc, p->activation_min, p->activation_max);
      }
    }
  }
}

#endif

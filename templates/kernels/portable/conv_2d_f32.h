/* SPDX-License-Identifier: 0BSD */
/* CONV_2D of floats, NHWC; weights [output_channels][kernel_height][kernel_width][input_channels / groups]. Sums go
 * through the window row by row, without what lies outside of the input; the bias comes behind. */
#ifndef TG_CONV_2D_F32_H
#define TG_CONV_2D_F32_H

#include "tg_float.h"

typedef struct {
  int32_t input_height, input_width, input_channels;
  int32_t output_width, output_channels;
  int32_t kernel_height, kernel_width;
  int32_t stride_height, stride_width;
  int32_t dilation_height, dilation_width;
  int32_t pad_top, pad_left;
  float activation_min, activation_max;
  int32_t groups;
  const float *weights;
  const float *bias;
} tg_conv_2d_f32_params;

/* One output element before the bias; first is the input column of window column 0, base_channel the first channel
 * of the filter's group. */
static inline float tg_conv_2d_f32_window(const tg_conv_2d_f32_params *p, const tg_input *in, int32_t y, int32_t first,
                                          int32_t base_channel, const float *w) {
  const int32_t depth = p->input_channels / p->groups;
  float sum = 0.0f;
  for (int32_t ky = 0; ky < p->kernel_height; ++ky) {
    const int32_t iy = y * p->stride_height - p->pad_top + ky * p->dilation_height;
    if (iy < 0 || iy >= p->input_height) continue;
    const float *row = (const float *)(const void *)tg_input_row(in, iy);
    for (int32_t kx = 0; kx < p->kernel_width; ++kx) {
      const int32_t ix = first + kx * p->dilation_width;
      if (ix < 0 || ix >= p->input_width) continue;
      const float *pixel = row + ix * p->input_channels + base_channel;
      const float *tap = w + (ky * p->kernel_width + kx) * depth;
      for (int32_t c = 0; c < depth; ++c) {
        sum = sum + pixel[c] * TG_LOAD_F32(tap + c);
      }
    }
  }
  return sum;
}

TG_KERNEL void tg_conv_2d_f32(const tg_conv_2d_f32_params *p, const tg_input *in, const tg_output *out, int32_t y0,
                              int32_t y1, void *scratch, void *carry) {
  const int32_t depth = p->input_channels / p->groups;
  const int32_t filter_size = p->kernel_height * p->kernel_width * depth;
  const int32_t filters_per_group = p->output_channels / p->groups;
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    float *to = (float *)(void *)tg_output_row(out, y);
    for (int32_t x = 0; x < p->output_width; ++x) {
      const int32_t first = x * p->stride_width - p->pad_left;
      for (int32_t c = 0; c < p->output_channels; ++c) {
        const int32_t base_channel = c / filters_per_group * depth;
        const float sum = tg_conv_2d_f32_window(p, in, y, first, base_channel, p->weights + c * filter_size);
        *to++ = tg_fclamp(sum + TG_LOAD_F32(p->bias + c), p->activation_min, p->activation_max);
      }
    }
  }
}

#endif

/* SPDX-License-Identifier: 0BSD */
/* DEPTHWISE_CONV_2D of floats, NHWC; weights [kernel_height][kernel_width][output_channels]. Output channel c reads
 * input channel c / (output_channels / input_channels). Sums as in conv_2d_f32.h. */
#ifndef TG_DEPTHWISE_CONV_2D_F32_H
#define TG_DEPTHWISE_CONV_2D_F32_H

#include "tg_float.h"

typedef struct {
  int32_t input_height, input_width, input_channels;
  int32_t output_width, output_channels;
  int32_t kernel_height, kernel_width;
  int32_t stride_height, stride_width;
  int32_t dilation_height, dilation_width;
  int32_t pad_top, pad_left;
  float activation_min, activation_max;
  const float *weights;
  const float *bias;
} tg_depthwise_conv_2d_f32_params;

/* One output element before the bias: channel ic of the input, the filter at w. */
static inline float tg_depthwise_conv_2d_f32_window(const tg_depthwise_conv_2d_f32_params *p, const tg_input *in,
                                                    int32_t y, int32_t first, int32_t ic, const float *w) {
  float sum = 0.0f;
  for (int32_t ky = 0; ky < p->kernel_height; ++ky) {
    const int32_t iy = y * p->stride_height - p->pad_top + ky * p->dilation_height;
    if (iy < 0 || iy >= p->input_height) continue;
    const float *row = (const float *)(const void *)tg_input_row(in, iy);
    for (int32_t kx = 0; kx < p->kernel_width; ++kx) {
      const int32_t ix = first + kx * p->dilation_width;
      if (ix < 0 || ix >= p->input_width) continue;
      const float *tap = w + (ky * p->kernel_width + kx) * p->output_channels;
      sum = sum + row[ix * p->input_channels + ic] * TG_LOAD_F32(tap);
    }
  }
  return sum;
}

TG_KERNEL void tg_depthwise_conv_2d_f32(const tg_depthwise_conv_2d_f32_params *p, const tg_input *in,
                                        const tg_output *out, int32_t y0, int32_t y1, void *scratch, void *carry) {
  const int32_t depth_multiplier = p->output_channels / p->input_channels;
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    float *to = (float *)(void *)tg_output_row(out, y);
    for (int32_t x = 0; x < p->output_width; ++x) {
      const int32_t first = x * p->stride_width - p->pad_left;
      for (int32_t c = 0; c < p->output_channels; ++c) {
        const float sum = tg_depthwise_conv_2d_f32_window(p, in, y, first, c / depth_multiplier, p->weights + c);
        *to++ = tg_fclamp(sum + TG_LOAD_F32(p->bias + c), p->activation_min, p->activation_max);
      }
    }
  }
}

#endif

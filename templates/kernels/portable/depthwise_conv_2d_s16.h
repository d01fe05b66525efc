/* SPDX-License-Identifier: 0BSD */
/* DEPTHWISE_CONV_2D, int16 with int8 weights, NHWC; weights [kernel_height][kernel_width][output_channels].
 * Output channel c reads input channel c / (output_channels / input_channels). */
#ifndef TG_DEPTHWISE_CONV_2D_S16_H
#define TG_DEPTHWISE_CONV_2D_S16_H

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
  int32_t wide; /* 1: multipliers of 16 bits; 0: of 32, and sums that wrap at 32 bits */
  const int8_t *weights;
  const int64_t *bias;
  const int32_t *multiplier;
  const int8_t *shift;
} tg_depthwise_conv_2d_s16_params;

TG_KERNEL void tg_depthwise_conv_2d_s16(const tg_depthwise_conv_2d_s16_params *p, const tg_input *in,
                                        const tg_output *out, int32_t y0, int32_t y1, void *scratch, void *carry) {
  const int32_t depth_multiplier = p->output_channels / p->input_channels;
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
        const int32_t ic = depth_multiplier == 1 ? c : c / depth_multiplier;
        int64_t acc = 0;
        for (int32_t ky = 0; ky < p->kernel_height; ++ky) {
          const int32_t iy = y * p->stride_height - p->pad_top + ky * p->dilation_height;
          if (iy < 0 || iy >= p->input_height) continue;
          const int16_t *row = tg_input_row16(in, iy) + ic;
          const int8_t *w = p->weights + ky * p->kernel_width * p->output_channels + c;
          for (int32_t kx = kx0; kx < kx1; ++kx) {
            const int32_t sample = row[(first + kx * p->dilation_width) * p->input_channels];
            acc += sample * TG_LOAD_S8(w + kx * p->output_channels);
          }
        }
        *to++ = tg_output16(acc + TG_LOAD_S64(p->bias + c), p->wide, TG_LOAD_S32(p->multiplier + c),
                            TG_LOAD_S8(p->shift + c), p->activation_min, p->activation_max);
      }
    }
  }
}

#endif

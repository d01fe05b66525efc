/* SPDX-License-Identifier: 0BSD */
/* TRANSPOSE_CONV of floats, NHWC; weights [output_channels][kernel_height][kernel_width][input_channels]. Each output
 * element gathers what reaches it, in the order of the input; the bias comes behind. */
#ifndef TG_TRANSPOSE_CONV_F32_H
#define TG_TRANSPOSE_CONV_F32_H

#include "tg_float.h"

typedef struct {
  int32_t input_height, input_width, input_channels;
  int32_t output_width, output_channels;
  int32_t kernel_height, kernel_width;
  int32_t stride_height, stride_width;
  int32_t pad_top, pad_left;
  float activation_min, activation_max;
  const float *weights;
  const float *bias;
} tg_transpose_conv_f32_params;

/* One output element before the bias. w is its channel's filter; y and x are counted from the padding's edge. */
static inline float tg_transpose_conv_f32_gather(const tg_transpose_conv_f32_params *p, const tg_input *in, int32_t y,
                                                 int32_t x, const float *w) {
  float sum = 0.0f;
  const int32_t iy0 = tg_max((y - p->kernel_height + p->stride_height) / p->stride_height, 0);
  const int32_t iy1 = tg_min(y / p->stride_height + 1, p->input_height);
  const int32_t ix0 = tg_max((x - p->kernel_width + p->stride_width) / p->stride_width, 0);
  const int32_t ix1 = tg_min(x / p->stride_width + 1, p->input_width);
  for (int32_t iy = iy0; iy < iy1; ++iy) {
    const int32_t ky = y - iy * p->stride_height;
    const float *row = (const float *)(const void *)tg_input_row(in, iy);
    for (int32_t ix = ix0; ix < ix1; ++ix) {
      const int32_t kx = x - ix * p->stride_width;
      const float *pixel = row + ix * p->input_channels;
      const float *tap = w + (ky * p->kernel_width + kx) * p->input_channels;
      for (int32_t c = 0; c < p->input_channels; ++c) {
        sum = sum + pixel[c] * TG_LOAD_F32(tap + c);
      }
    }
  }
  return sum;
}

TG_KERNEL void tg_transpose_conv_f32(const tg_transpose_conv_f32_params *p, const tg_input *in, const tg_output *out,
                                     int32_t y0, int32_t y1, void *scratch, void *carry) {
  const int32_t filter_size = p->kernel_height * p->kernel_width * p->input_channels;
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    float *to = (float *)(void *)tg_output_row(out, y);
    for (int32_t x = 0; x < p->output_width; ++x) {
      for (int32_t c = 0; c < p->output_channels; ++c) {
        const float *w = p->weights + c * filter_size;
        const float sum = tg_transpose_conv_f32_gather(p, in, y + p->pad_top, x + p->pad_left, w);
        *to++ = tg_fclamp(sum + TG_LOAD_F32(p->bias + c), p->activation_min, p->activation_max);
      }
    }
  }
}

#endif

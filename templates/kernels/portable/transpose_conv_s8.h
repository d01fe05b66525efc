/* SPDX-License-Identifier: 0BSD */
/* TRANSPOSE_CONV, int8, NHWC; weights [output_channels][kernel_height][kernel_width][input_channels].
 * Input row iy spreads over the output rows iy * stride_height - pad_top + ky; here each output element gathers
 * what reaches it, so there are no sums to keep. */
#ifndef TG_TRANSPOSE_CONV_S8_H
#define TG_TRANSPOSE_CONV_S8_H

#include "tg_fixedpoint.h"

typedef struct {
  int32_t input_height, input_width, input_channels;
  int32_t output_width, output_channels;
  int32_t kernel_height, kernel_width;
  int32_t stride_height, stride_width;
  int32_t pad_top, pad_left;
  int32_t input_zero_point, output_zero_point;
  int32_t activation_min, activation_max;
  const int8_t *weights;
  const int32_t *bias;
  const int32_t *multiplier;
  const int8_t *shift;
} tg_transpose_conv_s8_params;

/* One output element before the bias. w is its channel's filter; y and x are counted from the padding's edge. */
static inline int32_t tg_transpose_conv_s8_gather(const tg_transpose_conv_s8_params *p, const tg_input *in, int32_t y,
                                                  int32_t x, const int8_t *w) {
  int32_t acc = 0;
  for (int32_t ky = y % p->stride_height; ky < p->kernel_height && ky <= y; ky += p->stride_height) {
    const int32_t iy = (y - ky) / p->stride_height;
    if (iy >= p->input_height) continue;
    const int8_t *row = tg_input_row(in, iy);
    for (int32_t kx = x % p->stride_width; kx < p->kernel_width && kx <= x; kx += p->stride_width) {
      const int32_t ix = (x - kx) / p->stride_width;
      if (ix >= p->input_width) continue;
      const int8_t *pixel = row + ix * p->input_channels;
      const int8_t *tap = w + (ky * p->kernel_width + kx) * p->input_channels;
      for (int32_t c = 0; c < p->input_channels; ++c) {
        acc += (pixel[c] - p->input_zero_point) * TG_LOAD_S8(tap + c);
      }
    }
  }
  return acc;
}

TG_KERNEL void tg_transpose_conv_s8(const tg_transpose_conv_s8_params *p, const tg_input *in, const tg_output *out,
                                    int32_t y0, int32_t y1, void *scratch, void *carry) {
  const int32_t filter_size = p->kernel_height * p->kernel_width * p->input_channels;
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    int8_t *to = tg_output_row(out, y);
    for (int32_t x = 0; x < p->output_width; ++x) {
      for (int32_t c = 0; c < p->output_channels; ++c) {
        const int8_t *w = p->weights + c * filter_size;
        int32_t acc = tg_transpose_conv_s8_gather(p, in, y + p->pad_top, x + p->pad_left, w);
        acc = tg_add_wrap(acc, TG_LOAD_S32(p->bias + c));
        acc = tg_requantize(acc, TG_LOAD_S32(p->multiplier + c), TG_LOAD_S8(p->shift + c));
        acc = tg_add_wrap(acc, p->output_zero_point);
        *to++ = (int8_t)tg_clamp(acc, p->activation_min, p->activation_max);
      }
    }
  }
}

#endif

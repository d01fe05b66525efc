/* SPDX-License-Identifier: 0BSD */
/* CONV_2D, int8, NHWC, without groups: two windows at a time are laid out as columns, padding as the zero point.
 * scratch: two columns of kernel_height * kernel_width * input_channels elements, rounded up to an even number. */
#ifndef TG_CONV_2D_S8_AVR_H
#define TG_CONV_2D_S8_AVR_H

#include "tg_pairs.h"

typedef struct {
  int16_t input_height, input_width, input_channels;
  int16_t output_width, output_channels;
  int16_t kernel_height, kernel_width;
  int16_t stride_height, stride_width;
  int16_t dilation_height, dilation_width;
  int16_t pad_top, pad_left;
  int8_t input_zero_point, output_zero_point;
  uint8_t down, up; /* the activation's limits, as tg_output.h has them */
  const int8_t *weights;
  const int8_t *channels;
} tg_conv_2d_s8_avr_params;

/* A row of a window that is not all inside, or dilated: `before` of its columns lie outside on the left, then come
 * `inside` ones from `row` on. Returns the sum of the elements. */
TG_APART tg_u24 tg_conv_2d_s8_avr_edge(const tg_conv_2d_s8_avr_params *p, const int8_t *row, int16_t before,
                                       int16_t inside, uint8_t *column, uint8_t step) {
  const uint8_t padding = (uint8_t)((uint8_t)p->input_zero_point ^ 0x80U);
  const uint16_t depth = (uint16_t)p->input_channels;
  const uint16_t left = (uint16_t)((uint16_t)before * depth);
  uint16_t run = (uint16_t)((uint16_t)inside * depth), right = (uint16_t)((uint16_t)p->kernel_width * depth - left - run);
  tg_u24 sum = tg_fill(padding, column, step, left) + tg_fill(padding, column + (size_t)(left + run) * step, step, right);
  column += (size_t)left * step;
  if (p->dilation_width == 1) {
    inside = inside > 0;
  } else {
    run = depth;
  }
  for (; inside > 0; --inside, column += (size_t)run * step, row += (size_t)p->dilation_width * depth) {
    sum += tg_take(row, column, step, run);
  }
  return sum;
}

/* The window at output row y, column x into a column with one element every `step` bytes; the sum of its elements. */
TG_APART tg_u24 tg_conv_2d_s8_avr_column(const tg_conv_2d_s8_avr_params *p, const tg_input *in, int16_t y, int16_t x,
                                         uint8_t *column, uint8_t step) {
  const uint16_t depth = (uint16_t)p->input_channels, run = (uint16_t)((uint16_t)p->kernel_width * depth);
  const uint16_t end = (uint16_t)p->input_width;
  int16_t first = (int16_t)(x * p->stride_width - p->pad_left);
  int16_t iy = (int16_t)(y * p->stride_height - p->pad_top);
  int16_t before = 0, inside = p->kernel_width;
  tg_u24 sum = 0;
  for (; inside > 0 && first < 0; --inside, ++before) first = (int16_t)(first + p->dilation_width);
  while (inside > 0 && (uint16_t)(first + (inside - 1) * p->dilation_width) >= end) --inside;
  for (int16_t ky = p->kernel_height; ky > 0; --ky, iy = (int16_t)(iy + p->dilation_height)) {
    if (iy < 0 || iy >= p->input_height) {
      sum += tg_conv_2d_s8_avr_edge(p, in->base, 0, 0, column, step);
    } else {
      const int8_t *row = tg_near_row(in, (uint16_t)iy) + (size_t)(uint16_t)first * depth;
      if (inside == p->kernel_width && p->dilation_width == 1) {
        sum += tg_take(row, column, step, run);
      } else {
        sum += tg_conv_2d_s8_avr_edge(p, row, before, inside, column, step);
      }
    }
    column += (size_t)run * step;
  }
  return sum;
}

TG_KERNEL void tg_conv_2d_s8_avr(const tg_conv_2d_s8_avr_params *p, const tg_input *in, const tg_output *out,
                                 int32_t y0, int32_t y1, void *scratch, void *carry) {
  const uint16_t size = (uint16_t)((uint16_t)(p->kernel_height * p->kernel_width) * (uint16_t)p->input_channels);
  const tg_filters filters = {size, (uint16_t)p->output_channels, p->weights, p->channels,
                              {p->output_zero_point, p->down, p->up}};
  uint8_t *column = (uint8_t *)scratch;
  (void)carry;
  for (int16_t y = (int16_t)y0; y < y1; ++y) {
    int8_t *to = tg_output_row(out, y);
    for (int16_t x = 0; x < p->output_width; x = (int16_t)(x + 2), to += 2 * p->output_channels) {
      const uint8_t columns = x + 1 < p->output_width ? 2 : 1;
      tg_u24 sums[2];
      for (uint8_t i = 0; i < columns; ++i) {
        if (size % 2 != 0) column[(size_t)size * columns + i] = 0;
        sums[i] = tg_conv_2d_s8_avr_column(p, in, y, (int16_t)(x + i), column + i, columns) * 128U;
      }
      tg_times_filters(&filters, column, sums, columns, to);
    }
  }
}

#endif

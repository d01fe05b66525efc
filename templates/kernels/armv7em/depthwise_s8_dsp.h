/* SPDX-License-Identifier: 0BSD */
/* DEPTHWISE_CONV_2D with any window, int8, on the DSP extension: four channels at a time, channels a multiple of 4.
 * Taps outside the input count as the zero point. The stream has for each four channels A, B, C, D: the bias of each,
 * with the input zero point in it; for each two taps t and u the bytes {A[t], B[t], A[u], B[u]} and those of C and D;
 * of each twice the multiplier less 2^32; the bytes 32 - right shift of each. scratch: where the input of each tap begins, an even number of them. */
#ifndef TG_DEPTHWISE_S8_DSP_H
#define TG_DEPTHWISE_S8_DSP_H

#include "tg_dsp.h"

typedef struct {
  int32_t input_height, input_width, channels;
  int32_t output_width;
  int32_t kernel_height, kernel_width;
  int32_t stride_height, stride_width;
  int32_t dilation_height, dilation_width;
  int32_t pad_top, pad_left;
  int32_t input_zero_point, output_zero_point;
  int32_t activation_min, activation_max;
  const int32_t *stream;
} tg_depthwise_s8_dsp_params;

/* Four channels of an input, or zero points where a tap is outside. */
static inline uint32_t tg_depthwise_s8_dsp_load(const int8_t *base, int32_t tap, int32_t border, uint32_t zeros) {
  return border && tap < 0 ? zeros : tg_load4(base + tap);
}

/* One pixel of all channels; taps[i] is where the input of tap i begins, or, with `border`, -1. */
static inline void tg_depthwise_s8_dsp_pixel(const tg_depthwise_s8_dsp_params *p, const int8_t *base,
                                             const int32_t *taps, const int32_t *taps_end, int32_t border, int8_t *to) {
  const int32_t relu = p->activation_min >= p->output_zero_point ? 1 : 0;
  const int32_t zero_point = p->output_zero_point;
  const uint32_t zeros = ((uint32_t)p->input_zero_point & 0xFFU) * 0x01010101U;
  const int32_t *stream = p->stream;
  for (int32_t c = 0; c < p->channels; c += 4, stream += 9, to += 4, base += 4) {
    int32_t a0 = stream[0];
    int32_t a1 = stream[1];
    int32_t a2 = stream[2];
    int32_t a3 = stream[3];
    for (const int32_t *tap = taps; tap != taps_end; tap += 2, stream += 2) {
      const uint32_t x = tg_depthwise_s8_dsp_load(base, tap[0], border, zeros);
      const uint32_t y = tg_depthwise_s8_dsp_load(base, tap[1], border, zeros);
      const uint32_t low = tg_low_halves(x, y);
      const uint32_t high = tg_high_halves(x, y);
      a0 = tg_smlad(tg_even_bytes((uint32_t)stream[4]), tg_even_bytes(low), a0);
      a1 = tg_smlad(tg_odd_bytes((uint32_t)stream[4]), tg_odd_bytes(low), a1);
      a2 = tg_smlad(tg_even_bytes((uint32_t)stream[5]), tg_even_bytes(high), a2);
      a3 = tg_smlad(tg_odd_bytes((uint32_t)stream[5]), tg_odd_bytes(high), a3);
    }
    const uint32_t shifts = (uint32_t)stream[8];
    to[0] = (int8_t)tg_requantize_dsp_sum(a0, stream[4], (int32_t)(1U << (shifts & 0xFFU)), zero_point, relu);
    to[1] = (int8_t)tg_requantize_dsp_sum(a1, stream[5], (int32_t)(1U << (shifts >> 8 & 0xFFU)), zero_point, relu);
    to[2] = (int8_t)tg_requantize_dsp_sum(a2, stream[6], (int32_t)(1U << (shifts >> 16 & 0xFFU)), zero_point, relu);
    to[3] = (int8_t)tg_requantize_dsp_sum(a3, stream[7], (int32_t)(1U << (shifts >> 24)), zero_point, relu);
  }
}

TG_SHARED void tg_depthwise_s8_dsp_inside(const tg_depthwise_s8_dsp_params *p, const int8_t *base, const int32_t *taps,
                                          const int32_t *taps_end, int8_t *to) {
  tg_depthwise_s8_dsp_pixel(p, base, taps, taps_end, 0, to);
}

TG_SHARED void tg_depthwise_s8_dsp_border(const tg_depthwise_s8_dsp_params *p, const int8_t *base, const int32_t *taps,
                                          const int32_t *taps_end, int8_t *to) {
  tg_depthwise_s8_dsp_pixel(p, base, taps, taps_end, 1, to);
}

/* Where the input of each tap begins, an even number of them, of the window whose first column is `left` and whose first
 * row is `top`, or -1; `lap`: rows of the input, or of its ring, behind which it begins again. Returns their end. */
TG_SHARED int32_t *tg_depthwise_s8_dsp_taps(const tg_depthwise_s8_dsp_params *p, int32_t top, int32_t left,
                                            int32_t row_bytes, int32_t lap, int32_t *tap) {
  const int32_t depth = p->channels;
  for (int32_t ky = p->kernel_height; ky > 0; --ky, top += p->dilation_height) {
    const int outside = top < 0 || top >= p->input_height;
    const int32_t row = outside ? 0 : top % lap * row_bytes;
    int32_t x = left;
    for (int32_t kx = p->kernel_width; kx > 0; --kx, x += p->dilation_width) {
      *tap++ = outside || x < 0 || x >= p->input_width ? -1 : row + x * depth;
    }
  }
  if (p->kernel_height * p->kernel_width % 2) {
    *tap = tap[-1]; /* its weights are 0 */
    ++tap;
  }
  return tap;
}

TG_SHARED void tg_depthwise_s8_dsp(const tg_depthwise_s8_dsp_params *p, const tg_input *in, const tg_output *out,
                                   int32_t y0, int32_t y1, void *scratch, void *carry) {
  int32_t *taps = (int32_t *)scratch;
  const int32_t *taps_end = NULL; /* unless the taps are those of a window inside, which serve all of them */
  const int is_whole = in->ring_rows >= p->input_height;
  const int32_t highest = p->input_height - (p->kernel_height - 1) * p->dilation_height;
  const int32_t rightmost = p->input_width - (p->kernel_width - 1) * p->dilation_width;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    int8_t *to = tg_output_row(out, y);
    const int32_t top = y * p->stride_height - p->pad_top;
    /* of a ring, they serve a row */
    const int32_t first = is_whole ? 0 : top;
    const int32_t row = is_whole ? top * in->row_bytes : 0;
    if (!is_whole) taps_end = NULL;
    int32_t left = -p->pad_left;
    for (int32_t x = p->output_width; x > 0; --x, left += p->stride_width, to += p->channels) {
      if (top >= 0 && top < highest && left >= 0 && left < rightmost) {
        if (taps_end == NULL) taps_end = tg_depthwise_s8_dsp_taps(p, first, 0, in->row_bytes, in->ring_rows, taps);
        tg_depthwise_s8_dsp_inside(p, in->base + row + left * p->channels, taps, taps_end, to);
      } else {
        taps_end = tg_depthwise_s8_dsp_taps(p, top, left, in->row_bytes, in->ring_rows, taps);
        tg_depthwise_s8_dsp_border(p, in->base, taps, taps_end, to);
        taps_end = NULL;
      }
    }
    if (p->activation_min > INT8_MIN || p->activation_max < INT8_MAX) {
      tg_clamp_bytes(tg_output_row(out, y), p->output_width * p->channels, p->activation_min, p->activation_max);
    }
  }
}

#endif

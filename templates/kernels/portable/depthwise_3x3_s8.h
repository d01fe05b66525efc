/* SPDX-License-Identifier: 0BSD */
/* DEPTHWISE_CONV_2D 3x3, int8, NHWC, with stride 1 or 2, as many outputs as inputs; weights [channels][3 columns][3
 * rows]. A channel of a row at a time: its weights stay, and the sums of those outputs to which a column of three inputs
 * belongs move on with it. The input zero point is in the bias; columns outside the input count as the zero point, and
 * rows have weights of 0. Each output row needs one row of the input at least. */
#ifndef TG_DEPTHWISE_3X3_S8_H
#define TG_DEPTHWISE_3X3_S8_H

#include "tg_tiles.h"

typedef struct {
  int32_t input_height, input_width, channels;
  int32_t output_width;
  int32_t stride; /* of rows and columns */
  int32_t pad_top, pad_left;
  int32_t input_zero_point, output_zero_point;
  int32_t activation_min, activation_max;
  const int8_t *weights;
  const int32_t *bias;
  const int32_t *multiplier;
  const int8_t *shift;
} tg_depthwise_3x3_s8_params;

/* Sums in this order only where there are few registers. */
#if TG_TILE_COLUMNS == 1
#define TG_DW3_ORDER(sum) TG_IN_ORDER(sum)
#else
#define TG_DW3_ORDER(sum)
#endif

/* a, b, c: the inputs of the column at x, which moves on */
#define TG_DW3_NEXT                    \
  if ((uint32_t)x < width) {           \
    a = row0[x];                       \
    b = row1[x];                       \
    c = row2[x];                       \
  } else {                             \
    a = b = c = zero_point;            \
  }                                    \
  x += step;
/* a sum gets the column's products with the weights of window column k */
#define TG_DW3_ADD(sum, k)                \
  sum += (uint32_t)(a * w[3 * (k)]);      \
  TG_DW3_ORDER(sum);                      \
  sum += (uint32_t)(b * w[3 * (k) + 1]);  \
  TG_DW3_ORDER(sum);                      \
  sum += (uint32_t)(c * w[3 * (k) + 2]);  \
  TG_DW3_ORDER(sum);
/* weights of row k of the window, which lies outside the input */
#define TG_DW3_DROP(k)                                                     \
  if (outside & (1 << (k))) {                                              \
    start += (uint32_t)(zero_point * (w[k] + w[(k) + 3] + w[(k) + 6]));    \
    w[k] = w[(k) + 3] = w[(k) + 6] = 0;                                    \
  }

/* All channels of an output row. outside: bits of the window's rows that lie outside the input. */
static inline void tg_depthwise_3x3_s8_row(const tg_depthwise_3x3_s8_params *p, const int8_t *const *rows,
                                           int32_t outside, int32_t stride, int8_t *to) {
  const int8_t *row0 = rows[0];
  const int8_t *row1 = rows[1];
  const int8_t *row2 = rows[2];
  const int8_t *weights = p->weights;
  const int32_t step = p->channels;
  const uint32_t width = (uint32_t)(p->input_width * step);
  const int32_t left = -p->pad_left * step;
  const int32_t zero_point = p->input_zero_point;
  const int32_t outputs = p->output_width * step;
  const tg_stage stage = tg_stage_of(p->output_zero_point, p->activation_min, p->activation_max);
  for (int32_t channel = 0; channel < step; ++channel, ++row0, ++row1, ++row2, ++to, weights += 9) {
    const int32_t multiplier = TG_LOAD_S32(p->multiplier + channel);
    const int32_t shift = TG_LOAD_S8(p->shift + channel);
    int32_t w[9] = {TG_LOAD_S8(weights),     TG_LOAD_S8(weights + 1), TG_LOAD_S8(weights + 2),
                    TG_LOAD_S8(weights + 3), TG_LOAD_S8(weights + 4), TG_LOAD_S8(weights + 5),
                    TG_LOAD_S8(weights + 6), TG_LOAD_S8(weights + 7), TG_LOAD_S8(weights + 8)};
    uint32_t start = (uint32_t)TG_LOAD_S32(p->bias + channel);
    int32_t x = left;
    int32_t a, b, c;
    if (outside) {
      TG_DW3_DROP(0)
      TG_DW3_DROP(1)
      TG_DW3_DROP(2)
    }
    uint32_t first = start;
    uint32_t second = start;
    TG_DW3_NEXT
    TG_DW3_ADD(first, 0)
    if (stride == 1) { /* the output that a column completes, and the next two, which go on */
      TG_DW3_NEXT
      TG_DW3_ADD(first, 1)
      TG_DW3_ADD(second, 0)
      for (int32_t i = 0; i < outputs; i += step) {
        TG_DW3_NEXT
        TG_DW3_ADD(first, 2)
        to[i] = tg_stage_apply(&stage, (int32_t)first, multiplier, shift);
        first = second;
        TG_DW3_ADD(first, 1)
        second = start;
        TG_DW3_ADD(second, 0)
      }
    } else { /* the second column from here completes an output, and is the first one of the next */
      for (int32_t i = 0; i < outputs; i += step) {
        TG_DW3_NEXT
        TG_DW3_ADD(first, 1)
        TG_DW3_NEXT
        TG_DW3_ADD(first, 2)
        to[i] = tg_stage_apply(&stage, (int32_t)first, multiplier, shift);
        first = start;
        TG_DW3_ADD(first, 0)
      }
    }
  }
}

TG_ONE_COPY void tg_depthwise_3x3_s8_by_1(const tg_depthwise_3x3_s8_params *p, const int8_t *const *rows,
                                          int32_t outside, int8_t *to) {
  tg_depthwise_3x3_s8_row(p, rows, outside, 1, to);
}

TG_ONE_COPY void tg_depthwise_3x3_s8_by_2(const tg_depthwise_3x3_s8_params *p, const int8_t *const *rows,
                                          int32_t outside, int8_t *to) {
  tg_depthwise_3x3_s8_row(p, rows, outside, 2, to);
}

TG_KERNEL void tg_depthwise_3x3_s8(const tg_depthwise_3x3_s8_params *p, const tg_input *in, const tg_output *out,
                                   int32_t y0, int32_t y1, void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const int8_t *rows[3];
    int32_t outside = 0;
    for (int32_t ky = 0; ky < 3; ++ky) {
      const int32_t iy = y * p->stride - p->pad_top + ky;
      const int32_t first = tg_max(y * p->stride - p->pad_top, 0); /* any row of those that are there */
      const int inside = iy >= 0 && iy < p->input_height;
      if (!inside) outside |= (int32_t)1 << ky;
      rows[ky] = tg_input_row(in, inside ? iy : first);
    }
    if (p->stride == 1) {
      tg_depthwise_3x3_s8_by_1(p, rows, outside, tg_output_row(out, y));
    } else {
      tg_depthwise_3x3_s8_by_2(p, rows, outside, tg_output_row(out, y));
    }
  }
}

#endif

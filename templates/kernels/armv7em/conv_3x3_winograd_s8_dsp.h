/* SPDX-License-Identifier: 0BSD */
/* CONV_2D 3x3 with stride 1, int8, input channels a multiple of 16 and output channels of 4, on the DSP extension:
 * Winograd's F(2x2, 3x3) in whole numbers (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015),
 * 16 products instead of 36 for a tile of 2x2 outputs.
 *
 * With a, b, c, d along one axis, inputs become (a - c, b + c, c - b, b - d), weights (a, a + b + c, a - b + c, c), so
 * twice the usual values in the middle; sums go back by (2a + b + c, b - c - 2d), to four times the result. All of it
 * is exact modulo 2^32, and the results fit.
 *
 * weights: for each four filters and four channels, by filter and tap, the word of four channels. The stream has for
 * each filter twice the bias (with the input zero point in it), the multiplier and 2^(32 - right shift). Elements outside
 * the input count as the zero point. `tile_rows` rows of tiles share what the weights become; scratch: the inputs of
 * those tiles [tile_rows][pairs of tiles][16][channels], the weights of four filters [16][channels][2], sums [16][8],
 * all words; 4x6 pixels. */
#ifndef TG_CONV_3X3_WINOGRAD_S8_DSP_H
#define TG_CONV_3X3_WINOGRAD_S8_DSP_H

#include "tg_dsp.h"

typedef struct {
  int32_t input_height, input_width, input_channels;
  int32_t output_width, output_channels;
  int32_t pad_top, pad_left;
  int32_t tile_rows;
  int32_t input_zero_point, output_zero_point;
  int32_t activation_min, activation_max;
  const int32_t *weights;
  const int32_t *stream;
} tg_conv_3x3_winograd_s8_dsp_params;

/* One row of the transformed tiles, from the difference or sum of two input rows of six pixels: of each channel pair
 * four words for each of two tiles, `depth` words apart. */
#define TG_WINOGRAD_ROW(name, combine)                                                                     \
  TG_SHARED void name(const int8_t *a, const int8_t *b, int32_t depth, uint32_t *to) {                     \
    for (int32_t c = 0; c < depth; c += 4, a += 4, b += 4, to += 4) {                                      \
      uint32_t even[6];                                                                                    \
      uint32_t odd[6];                                                                                     \
      for (int32_t t = 0; t < 2; ++t) { /* no pixel sooner than it is needed: so fewer are on the stack */ \
        for (int32_t i = 4 * t; i < 2 * t + 4; ++i) {                                                      \
          const uint32_t x = tg_load4(a + i * depth);                                                      \
          const uint32_t y = tg_load4(b + i * depth);                                                      \
          even[i] = combine(tg_even_bytes(x), tg_even_bytes(y));                                           \
          odd[i] = combine(tg_odd_bytes(x), tg_odd_bytes(y));                                              \
        }                                                                                                  \
        to[t] = tg_sub_halves(even[2 * t], even[2 * t + 2]);                                               \
        to[depth + t] = tg_add_halves(even[2 * t + 1], even[2 * t + 2]);                                   \
        to[2 * depth + t] = tg_sub_halves(even[2 * t + 2], even[2 * t + 1]);                               \
        to[3 * depth + t] = tg_sub_halves(even[2 * t + 1], even[2 * t + 3]);                               \
        to[t + 2] = tg_sub_halves(odd[2 * t], odd[2 * t + 2]);                                             \
        to[depth + t + 2] = tg_add_halves(odd[2 * t + 1], odd[2 * t + 2]);                                 \
        to[2 * depth + t + 2] = tg_sub_halves(odd[2 * t + 2], odd[2 * t + 1]);                             \
        to[3 * depth + t + 2] = tg_sub_halves(odd[2 * t + 1], odd[2 * t + 3]);                             \
      }                                                                                                    \
    }                                                                                                      \
  }

TG_WINOGRAD_ROW(tg_winograd_difference, tg_sub_halves)
TG_WINOGRAD_ROW(tg_winograd_sum, tg_add_halves)

/* one row of transformed weights: (a, a + b + c, a - b + c, c), `step` words apart */
static inline void tg_winograd_weights_row(uint32_t a, uint32_t b, uint32_t c, uint32_t *to, int32_t step) {
  const uint32_t sum = tg_add_halves(a, c);
  to[0] = a;
  to[step] = tg_add_halves(sum, b);
  to[2 * step] = tg_sub_halves(sum, b);
  to[3 * step] = c;
}

static inline void tg_winograd_weights_tile(const uint32_t *g, uint32_t *to, int32_t step) {
  uint32_t sums[3];
  for (int32_t i = 0; i < 3; ++i) sums[i] = tg_add_halves(g[i], g[6 + i]);
  tg_winograd_weights_row(g[0], g[1], g[2], to, step);
  tg_winograd_weights_row(tg_add_halves(sums[0], g[3]), tg_add_halves(sums[1], g[4]), tg_add_halves(sums[2], g[5]),
                          to + 4 * step, step);
  tg_winograd_weights_row(tg_sub_halves(sums[0], g[3]), tg_sub_halves(sums[1], g[4]), tg_sub_halves(sums[2], g[5]),
                          to + 8 * step, step);
  tg_winograd_weights_row(g[6], g[7], g[8], to + 12 * step, step);
}

/* the weights of four filters: of each channel pair a word of each, 16 times */
TG_SHARED void tg_winograd_weights(const int32_t *weights, int32_t depth, uint32_t *to) {
  for (int32_t c = 0; c < depth; c += 4, to += 8) {
    for (int32_t f = 0; f < 4; ++f, weights += 9) {
      uint32_t g[9];
      for (int32_t i = 0; i < 9; ++i) g[i] = tg_even_bytes((uint32_t)weights[i]);
      tg_winograd_weights_tile(g, to + f, 2 * depth);
      for (int32_t i = 0; i < 9; ++i) g[i] = tg_odd_bytes((uint32_t)weights[i]);
      tg_winograd_weights_tile(g, to + 4 + f, 2 * depth);
    }
  }
}

#if TG_DSP

/* two channels of two tiles times four filters */
#define TG_WINOGRAD_STEP(first_a, first_b)         \
  "ldm r0!, {r2, r3}\n"                            \
  "ldm r1!, {r4, r5}\n" first_a("r6", "r2", "r4")  \
  first_a("r7", "r2", "r5") first_a("r8", "r3", "r4") first_a("r9", "r3", "r5") \
  "ldm r0!, {r2, r3}\n" first_b("r10", "r2", "r4") \
  first_b("r11", "r2", "r5") first_b("r12", "r3", "r4") first_b("lr", "r3", "r5")
#define TG_WINOGRAD_BEGIN(d, a, b) "smuad " d ", " a ", " b "\n"
#define TG_WINOGRAD_ADD(d, a, b) "smlad " d ", " a ", " b ", " d "\n"
#define TG_WINOGRAD_MORE TG_WINOGRAD_STEP(TG_WINOGRAD_ADD, TG_WINOGRAD_ADD)

/* sums[16][filter][tile]; stack: 0 sums, 4 bytes of a position's inputs, 8 their end, 12 sums' end */
TG_NAKED static void tg_winograd_multiply(TG_ARG const uint32_t *weights, TG_ARG const uint32_t *inputs,
                                          TG_ARG int32_t *sums, TG_ARG int32_t depth) {
  __asm__ volatile(
      ".syntax unified\n"
      "push {r4-r11, lr}\n"
      "sub sp, sp, #20\n"
      "lsls r3, r3, #2\n"
      "add r4, r1, r3\n"
      "add r5, r2, #512\n"
      "strd r2, r3, [sp]\n"
      "strd r4, r5, [sp, #8]\n"
      "1:\n" TG_WINOGRAD_STEP(TG_WINOGRAD_BEGIN, TG_WINOGRAD_BEGIN)
      "b 3f\n"
      "2:\n" TG_WINOGRAD_MORE
      "3:\n" TG_WINOGRAD_MORE TG_WINOGRAD_MORE TG_WINOGRAD_MORE TG_WINOGRAD_MORE TG_WINOGRAD_MORE TG_WINOGRAD_MORE
          TG_WINOGRAD_MORE
      "ldr r2, [sp, #8]\n"
      "cmp r1, r2\n"
      "bne.w 2b\n"
      "ldrd r2, r3, [sp]\n"
      "add r3, r1\n"
      "stm.w r2!, {r6-r12, lr}\n"
      "str r3, [sp, #8]\n"
      "ldr r3, [sp, #12]\n"
      "str r2, [sp]\n"
      "cmp r2, r3\n"
      "bne.w 1b\n"
      "add sp, sp, #20\n"
      "pop {r4-r11, pc}\n");
}

#else

static inline void tg_winograd_multiply(const uint32_t *weights, const uint32_t *inputs, int32_t *sums, int32_t depth) {
  for (int32_t i = 0; i < 16; ++i, sums += 8) {
    memset(sums, 0, 8 * sizeof(int32_t));
    for (int32_t c = 0; c < depth; c += 2, weights += 4, inputs += 2) {
      for (int32_t f = 0; f < 4; ++f) {
        sums[2 * f] = tg_smlad(weights[f], inputs[0], sums[2 * f]);
        sums[2 * f + 1] = tg_smlad(weights[f], inputs[1], sums[2 * f + 1]);
      }
    }
  }
}

#endif

/* four times the sums of a tile, half of them as 2 * accumulator: to int8 */
static inline int8_t tg_winograd_output(uint32_t four, const int32_t *stream, int32_t zero_point, int32_t relu) {
  return (int8_t)tg_requantize_dsp(stream[0] + ((int32_t)four >> 1), stream[1], stream[2], zero_point, relu);
}

/* 2x4 outputs of four filters */
TG_SHARED void tg_winograd_outputs(const uint32_t *sums, const int32_t *stream, int32_t zero_point, int32_t relu,
                                   int8_t *to, int32_t step, int32_t row_step) {
  for (int32_t f = 0; f < 4; ++f, stream += 3) {
    for (int32_t t = 0; t < 2; ++t, ++sums) {
      uint32_t left[4];
      uint32_t right[4];
      for (int32_t i = 0; i < 4; ++i) {
        const uint32_t *s = sums + 32 * i;
        left[i] = 2 * s[0] + s[8] + s[16];
        right[i] = s[8] - s[16] - 2 * s[24];
      }
      int8_t *at = to + f + 2 * t * step;
      at[0] = tg_winograd_output(2 * left[0] + left[1] + left[2], stream, zero_point, relu);
      at[step] = tg_winograd_output(2 * right[0] + right[1] + right[2], stream, zero_point, relu);
      at[row_step] = tg_winograd_output(left[1] - left[2] - 2 * left[3], stream, zero_point, relu);
      at[row_step + step] = tg_winograd_output(right[1] - right[2] - 2 * right[3], stream, zero_point, relu);
    }
  }
}

/* The inputs of two tiles, whose first pixel is (y, x); rows from `end` on are not there. */
TG_SHARED void tg_winograd_inputs(const tg_conv_3x3_winograd_s8_dsp_params *p, const tg_input *in, int32_t y, int32_t x,
                                  int32_t end, int8_t *pixels, uint32_t *to) {
  const int32_t depth = p->input_channels;
  const int8_t *rows[4];
  const int inside = x >= 0 && x + 6 <= p->input_width;
  const int32_t zeros = (int32_t)(((uint32_t)p->input_zero_point & 0xFFU) * 0x01010101U);
  for (int32_t i = 0; i < 4; ++i, ++y) {
    const int8_t *row = y >= 0 && y < end ? tg_input_row(in, y) : NULL;
    rows[i] = pixels;
    if (row != NULL && inside) {
      rows[i] = row + x * depth;
      continue;
    }
    for (int32_t column = x; column < x + 6; ++column) {
      const int there = row != NULL && column >= 0 && column < p->input_width;
      const int8_t *from = there ? row + column * depth : NULL;
      for (int32_t c = 0; c < depth; c += 4, pixels += 4) {
        tg_store4(pixels, (uint32_t)tg_opaque(there ? (int32_t)tg_load4(from + c) : zeros));
      }
    }
  }
  tg_winograd_difference(rows[0], rows[2], depth, to);
  tg_winograd_sum(rows[1], rows[2], depth, to + 4 * depth);
  tg_winograd_difference(rows[2], rows[1], depth, to + 8 * depth);
  tg_winograd_difference(rows[1], rows[3], depth, to + 12 * depth);
}

/* outputs of two tiles at a border, of which only rows x columns are wanted */
static inline void tg_winograd_border(const uint32_t *sums, const int32_t *stream, int32_t zero_point, int32_t relu,
                                      int8_t *to, int32_t step, int8_t *second, int32_t columns) {
  int8_t tiles[32];
  tg_winograd_outputs(sums, stream, zero_point, relu, tiles, 4, 16);
  for (int32_t x = 0; x < columns; ++x) {
    tg_store4(to + x * step, tg_load4(tiles + 4 * x));
    if (second != NULL) tg_store4(second + x * step, tg_load4(tiles + 16 + 4 * x));
  }
}

/* output rows [y, y1), at most tile_rows pairs of them */
static inline void tg_winograd_rows(const tg_conv_3x3_winograd_s8_dsp_params *p, const tg_input *in,
                                    const tg_output *out, int32_t y, int32_t y1, uint32_t *scratch) {
  const int32_t depth = p->input_channels;
  const int32_t channels = p->output_channels;
  const int32_t relu = p->activation_min >= p->output_zero_point ? 1 : 0;
  const int32_t end = tg_min(p->input_height, y1 - p->pad_top + 2);
  const int32_t pairs = (p->output_width + 3) / 4;
  uint32_t *weights = scratch + p->tile_rows * pairs * 16 * depth;
  int32_t *sums = (int32_t *)(weights + 32 * depth);
  uint32_t *inputs = scratch;
  for (int32_t row = y; row < y1; row += 2) {
    for (int32_t i = 0; i < pairs; ++i, inputs += 16 * depth) {
      tg_winograd_inputs(p, in, row - p->pad_top, 4 * i - p->pad_left, end, (int8_t *)(sums + 128), inputs);
    }
  }
  for (int32_t c = 0; c < channels; c += 4) {
    const int32_t *stream = p->stream + 3 * c;
    tg_winograd_weights(p->weights + c / 4 * 9 * depth, depth, weights);
    inputs = scratch;
    for (int32_t row = y; row < y1; row += 2) {
      int8_t *to = tg_output_row(out, row) + c;
      int8_t *second = row + 1 < y1 ? tg_output_row(out, row + 1) + c : NULL;
      for (int32_t x = 0; x < p->output_width; x += 4, inputs += 16 * depth) {
        tg_winograd_multiply(weights, inputs, sums, depth);
        if (second == NULL || x + 4 > p->output_width) {
          tg_winograd_border((const uint32_t *)sums, stream, p->output_zero_point, relu, to + x * channels, channels,
                             second == NULL ? NULL : second + x * channels, tg_min(4, p->output_width - x));
        } else {
          tg_winograd_outputs((const uint32_t *)sums, stream, p->output_zero_point, relu, to + x * channels, channels,
                              (int32_t)(second - to));
        }
      }
    }
  }
  if (p->activation_min > INT8_MIN || p->activation_max < INT8_MAX) {
    for (; y < y1; ++y) {
      tg_clamp_bytes(tg_output_row(out, y), p->output_width * channels, p->activation_min, p->activation_max);
    }
  }
}

TG_SHARED void tg_conv_3x3_winograd_s8_dsp(const tg_conv_3x3_winograd_s8_dsp_params *p, const tg_input *in,
                                           const tg_output *out, int32_t y0, int32_t y1, void *scratch, void *carry) {
  (void)carry;
  for (int32_t y = y0; y < y1; y += 2 * p->tile_rows) {
    tg_winograd_rows(p, in, out, y, tg_min(y + 2 * p->tile_rows, y1), (uint32_t *)scratch);
  }
}

#endif

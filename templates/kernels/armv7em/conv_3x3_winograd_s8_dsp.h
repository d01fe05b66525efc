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
 * those tiles [tile_rows][pairs of tiles][channels / 4][16][4], the weights of four filters [channels / 4][16][8], sums
 * [16][8], all words; 4x6 pixels. */
#ifndef TG_CONV_3X3_WINOGRAD_S8_DSP_H
#define TG_CONV_3X3_WINOGRAD_S8_DSP_H

#include "tg_winograd.h"

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

#if TG_DSP

/* two channels of two tiles times four filters; loads in a row take less time than lists. `then` moves on, far from
 * where the pointer is used. */
#define TG_WINOGRAD_STEP(mul, w0, w1, w2, x0, x1, then) \
  "ldr.w r2, [r0, #" w0 "]\n" \
  "ldr.w r3, [r0, #" w1 "]\n" \
  "ldr.w r4, [r1, #" x0 "]\n" \
  "ldr.w r5, [r1, #" x1 "]\n" \
  mul("r6", "r2", "r4") mul("r7", "r2", "r5") mul("r8", "r3", "r4") mul("r9", "r3", "r5") \
  "ldrd r2, r3, [r0, #" w2 "]\n" then \
  mul("r10", "r2", "r4") mul("r11", "r2", "r5") mul("r12", "r3", "r4") mul("lr", "r3", "r5")
#define TG_WINOGRAD_BEGIN(d, a, b) "smuad " d ", " a ", " b "\n"
#define TG_WINOGRAD_ADD(d, a, b) "smlad " d ", " a ", " b ", " d "\n"
/* the first two of 16 channels, and the others */
#define TG_WINOGRAD_2(mul) TG_WINOGRAD_STEP(mul, "0", "4", "8", "0", "4", "")
#define TG_WINOGRAD_14 \
  TG_WINOGRAD_STEP(TG_WINOGRAD_ADD, "16", "20", "24", "8", "12", "") \
  TG_WINOGRAD_STEP(TG_WINOGRAD_ADD, "512", "516", "520", "256", "260", "") \
  TG_WINOGRAD_STEP(TG_WINOGRAD_ADD, "528", "532", "536", "264", "268", "add.w r0, r0, #1024\n") \
  TG_WINOGRAD_STEP(TG_WINOGRAD_ADD, "0", "4", "8", "512", "516", "") \
  TG_WINOGRAD_STEP(TG_WINOGRAD_ADD, "16", "20", "24", "520", "524", "") \
  TG_WINOGRAD_STEP(TG_WINOGRAD_ADD, "512", "516", "520", "768", "772", "") \
  TG_WINOGRAD_STEP(TG_WINOGRAD_ADD, "528", "532", "536", "776", "780", "add.w r0, r0, #1024\nadd.w r1, r1, #1024\n")

/* sums[16][filter][tile]; slots: 0 weights, 1 inputs, 2 inputs' end, 3 sums, 4 their end */
TG_NAKED static void tg_winograd_multiply(TG_ARG const uint32_t *weights, TG_ARG const uint32_t *inputs,
                                          TG_ARG int32_t *sums, TG_ARG int32_t depth) {
  __asm__ volatile(
      ".syntax unified\n"
      "push {r4-r11, lr}\n" TG_SLOTS_BEGIN(5)
      "add r3, r1, r3, lsl #6\n"
      "add r5, r2, #512\n" TG_PUT("r5", 4) TG_PUT_2("r3", "r2", 2, 3) TG_PUT_2("r0", "r1", 0, 1)
      "1:\n" TG_WINOGRAD_2(TG_WINOGRAD_BEGIN)
      "b 3f\n"
      ".balign 4\n"
      "2:\n" TG_WINOGRAD_2(TG_WINOGRAD_ADD)
      "3:\n" TG_WINOGRAD_14 TG_GET_2("r2", "r3", 2, 3)
      "cmp r1, r2\n"
      "bne.w 2b\n"
      "adds r2, #16\n"
      "stm.w r3!, {r6-r12, lr}\n" TG_PUT_2("r2", "r3", 2, 3) TG_GET_2("r0", "r1", 0, 1) TG_GET("r2", 4)
      "adds r0, #32\n"
      "adds r1, #16\n" TG_PUT_2("r0", "r1", 0, 1)
      "cmp r3, r2\n"
      "bne.w 1b\n" TG_SLOTS_END(5)
      "pop {r4-r11, pc}\n");
}

#else

static inline void tg_winograd_multiply(const uint32_t *weights, const uint32_t *inputs, int32_t *sums, int32_t depth) {
  for (int32_t i = 0; i < 16; ++i, sums += 8) {
    memset(sums, 0, 8 * sizeof(int32_t));
    for (int32_t c = 0; c < depth; c += 2) {
      const uint32_t *w = weights + c / 4 * 128 + 8 * i + c % 4 * 2;
      const uint32_t *x = inputs + c / 4 * 64 + 4 * i + c % 4;
      for (int32_t f = 0; f < 4; ++f) {
        sums[2 * f] = tg_smlad(w[f], x[0], sums[2 * f]);
        sums[2 * f + 1] = tg_smlad(w[f], x[1], sums[2 * f + 1]);
      }
    }
  }
}

#endif

/* 2x4 outputs of four filters: of two tiles with four times their sums, half of which is 2 * accumulator */
#if TG_DSP

/* a row of four sums in r10, r11, r12, lr: (2a + b + c, b - c - 2d) to x and y */
#define TG_WINOGRAD_LOAD(a, b, c, d) \
  "ldr.w r10, [r0, #" a "]\n" \
  "ldr.w r11, [r0, #" b "]\n" \
  "ldr.w r12, [r0, #" c "]\n" \
  "ldr.w lr, [r0, #" d "]\n"
#define TG_WINOGRAD_BACK(x, y) \
  "add " x ", r11, r12\n" \
  "add " x ", " x ", r10, lsl #1\n" \
  "sub " y ", r11, r12\n" \
  "sub " y ", " y ", lr, lsl #1\n"
#define TG_WINOGRAD_SIGN(a) "add " a ", " a ", " a ", asr #31\n"
#define TG_WINOGRAD_NO_SIGN(a) ""
#define TG_WINOGRAD_OUT(a, sign) \
  "add " a ", r3, " a ", asr #1\n" \
  "smmulr " a ", " a ", r4\n" sign(a) \
  "smmlar " a ", " a ", r5, r2\n" \
  "ssat " a ", #8, " a "\n"

/* a tile of a filter: r0 sums, r1 output, r2 zero point, r3 twice the bias, r4 multiplier, r5 factor; r10 the step after */
#define TG_WINOGRAD_TILE(sign) \
  TG_WINOGRAD_LOAD("0", "32", "64", "96") TG_WINOGRAD_BACK("r6", "r7") \
  TG_WINOGRAD_LOAD("128", "160", "192", "224") TG_WINOGRAD_BACK("r8", "r9") \
  "add r6, r8, r6, lsl #1\n" \
  "add r7, r9, r7, lsl #1\n" \
  TG_WINOGRAD_LOAD("256", "288", "320", "352") \
  "add r11, r11, r12\n" \
  "add r10, r11, r10, lsl #1\n" \
  "sub r11, r11, r12, lsl #1\n" \
  "sub r11, r11, lr, lsl #1\n" \
  "add r6, r10\n" \
  "add r7, r11\n" \
  "sub r8, r8, r10\n" \
  "sub r9, r9, r11\n" \
  TG_WINOGRAD_LOAD("384", "416", "448", "480") \
  "add r11, r11, r12\n" \
  "add r10, r11, r10, lsl #1\n" \
  "sub r11, r11, r12, lsl #1\n" \
  "sub r11, r11, lr, lsl #1\n" \
  "sub r8, r8, r10, lsl #1\n" \
  "sub r9, r9, r11, lsl #1\n" \
  TG_GET_2("r10", "r11", 0, 1) \
  TG_WINOGRAD_OUT("r6", sign) TG_WINOGRAD_OUT("r7", sign) TG_WINOGRAD_OUT("r8", sign) TG_WINOGRAD_OUT("r9", sign) \
  "adds r0, #4\n" \
  "add r11, r1\n" \
  "strb r6, [r1]\n" \
  "strb.w r8, [r11]\n" \
  "strb.w r7, [r1, r10]\n" \
  "strb.w r9, [r11, r10]\n"

#define TG_WINOGRAD_FILTERS(sign) \
  "1:\n" TG_GET("r6", 2) \
  "ldm r6!, {r3, r4, r5}\n" TG_PUT("r6", 2) TG_WINOGRAD_TILE(sign) \
  "add r1, r1, r10, lsl #1\n" TG_WINOGRAD_TILE(sign) \
  "sub r1, r1, r10, lsl #1\n" TG_GET_2("r6", "r7", 2, 3) \
  "adds r1, #1\n" \
  "cmp r6, r7\n" \
  "bne.w 1b\n" TG_SLOTS_END(4) \
  "pop {r4-r11, pc}\n"

/* slots: 0 step, 1 row step, 2 stream, 3 its end */
TG_NAKED static void tg_winograd_outputs(TG_ARG const uint32_t *sums, TG_ARG const int32_t *stream,
                                         TG_ARG int32_t zero_point, TG_ARG int32_t relu, TG_ARG int8_t *to,
                                         TG_ARG int32_t step, TG_ARG int32_t row_step) {
  __asm__ volatile(
      ".syntax unified\n"
      "push {r4-r11, lr}\n"
      "ldr r4, [sp, #36]\n"
      "ldr r5, [sp, #40]\n"
      "ldr r6, [sp, #44]\n"
      "add.w r7, r1, #48\n" TG_SLOTS_BEGIN(4) TG_PUT_2("r5", "r6", 0, 1) TG_PUT_2("r1", "r7", 2, 3)
      "mov r1, r4\n"
      "cmp r3, #0\n"
      "beq.w 2f\n" TG_WINOGRAD_FILTERS(TG_WINOGRAD_NO_SIGN)
      "2:\n" TG_WINOGRAD_FILTERS(TG_WINOGRAD_SIGN));
}

#else

static inline int8_t tg_winograd_output(uint32_t four, const int32_t *stream, int32_t zero_point, int32_t relu) {
  return (int8_t)tg_requantize_dsp(stream[0] + ((int32_t)four >> 1), stream[1], stream[2], zero_point, relu);
}

static inline void tg_winograd_outputs(const uint32_t *sums, const int32_t *stream, int32_t zero_point, int32_t relu,
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

#endif

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
  tg_winograd_sum(rows[1], rows[2], depth, to + 16);
  tg_winograd_difference(rows[2], rows[1], depth, to + 32);
  tg_winograd_difference(rows[1], rows[3], depth, to + 48);
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

/* SPDX-License-Identifier: 0BSD */
/* DEPTHWISE_CONV_2D 3x3 with stride 1 or 2, int8, channels a multiple of 4, on the DSP extension.
 *
 * Strips of input rows of four channels at a time are widened into planes: word j of a row holds the pixels
 * (2j - pad_left, 2j + 1 - pad_left) as halves; in memory the rows of a word follow one another, then the channels, then
 * the words (uint32_t[words][4][TG_DW3_ROWS]). Stride 1 computes 2x2 outputs at a time, stride 2 1x2. Elements outside
 * the input count as the zero point, which is in the bias.
 *
 * The stream has per channel: for each window row the bytes {w0, x, w1, w2}, where x is the right shift in the first
 * one; twice the bias; the multiplier. scratch: the planes. */
#ifndef TG_DEPTHWISE_3X3_S8_DSP_H
#define TG_DEPTHWISE_3X3_S8_DSP_H

#include "tg_dsp.h"

#define TG_DW3_ROWS 16

typedef struct {
  int32_t input_height, input_width, channels;
  int32_t output_width;
  int32_t stride;     /* 1 or 2 */
  int32_t strip_rows; /* of the output, made together */
  int32_t pad_top, pad_left;
  int32_t words; /* of a row in the planes */
  int32_t input_zero_point, output_zero_point;
  int32_t activation_min, activation_max;
  const int32_t *stream;
} tg_depthwise_3x3_s8_dsp_params;

/* one strip of one channel, as the assembly reads it */
typedef struct {
  int32_t step;     /* 0: from a pixel to the next, in the output */
  int32_t row_step; /* 4: from a row to the next */
  int32_t zero_point; /* 8 */
  int32_t relu; /* 12 */
  int32_t rows; /* 16: of the output */
  int32_t width; /* 20: of the output */
} tg_dw3_strip;

/* rows of four channels of an input */
typedef struct {
  int32_t step;      /* 0: from a pixel to the next */
  int32_t row_bytes; /* 4 */
  int32_t pairs;     /* 8: words of two pixels inside the input */
  uint32_t zeros;    /* 12: the zero point four times */
  int32_t left;      /* 16: 1 if the first word has the zero point and a pixel */
  int32_t right;     /* 20: 1 if the last one has a pixel and the zero point */
} tg_dw3_source;

#if TG_DSP

/* r6 and r7: four channels of two pixels; to the planes at r5, which moves on to the next word */
#define TG_DW3_PACK(a, b) \
  "pkhbt r10, " a ", " b ", lsl #16\n" \
  "pkhtb r11, " b ", " a ", asr #16\n" \
  "sxtb16 r8, r10\n" \
  "sxtb16 r9, r10, ror #8\n" \
  "sxtb16 r10, r11\n" \
  "sxtb16 r11, r11, ror #8\n" \
  "str r8, [r5], #64\n" \
  "str r9, [r5], #64\n" \
  "str r10, [r5], #64\n" \
  "str r11, [r5], #64\n"

TG_NAKED static void tg_dw3_widen(TG_ARG const int8_t *from, TG_ARG uint32_t *planes, TG_ARG int32_t rows,
                                  TG_ARG const tg_dw3_source *source) {
  __asm__ volatile(
      ".syntax unified\n"
      "push {r3-r11, lr}\n"
      "ldr r12, [r3]\n"
      "1:\n"
      "mov r4, r0\n"
      "mov r5, r1\n"
      "ldr lr, [sp]\n"
      "ldr r3, [lr, #12]\n"
      "ldr r6, [lr, #16]\n"
      "ldr.w lr, [lr, #8]\n"
      "cbz r6, 2f\n"
      "ldr r7, [r4]\n"
      "add r4, r4, r12\n" TG_DW3_PACK("r3", "r7")
      "2:\n"
      "cmp lr, #0\n"
      "beq 4f\n"
      "3:\n"
      "ldr r6, [r4]\n"
      "ldr r7, [r4, r12]\n"
      "add r4, r4, r12, lsl #1\n" TG_DW3_PACK("r6", "r7")
      "subs lr, lr, #1\n"
      "bne 3b\n"
      "4:\n"
      "ldr lr, [sp]\n"
      "ldr r6, [lr, #20]\n"
      "cbz r6, 5f\n"
      "ldr r7, [r4]\n" TG_DW3_PACK("r7", "r3")
      "5:\n"
      "ldr r6, [lr, #4]\n"
      "add r0, r0, r6\n"
      "adds r1, #4\n"
      "subs r2, r2, #1\n"
      "bne 1b\n"
      "pop {r3-r11, pc}\n");
}

/* r4, r5, r6 become the weights 0 and 1 of each window row, doubled; r12 the shift */
#define TG_DW3_WEIGHTS \
  "ldm r2!, {r7, r8, r9, r10, r11}\n" \
  "ubfx r12, r7, #8, #8\n" \
  "rsb r12, r12, #32\n" \
  "movs r4, #1\n" \
  "lsl r12, r4, r12\n" \
  "sxtb16 r4, r7\n" \
  "sxtb16 r5, r8\n" \
  "sxtb16 r6, r9\n" \
  "sxtb16 r7, r7, ror #8\n" \
  "sxtb16 r8, r8, ror #8\n" \
  "sxtb16 r9, r9, ror #8\n" \
  "sadd16 r4, r4, r4\n" \
  "sadd16 r5, r5, r5\n" \
  "sadd16 r6, r6, r6\n" \
  "sadd16 r7, r7, r7\n" \
  "sadd16 r8, r8, r8\n" \
  "sadd16 r9, r9, r9\n"

#define TG_DW3_SIGN(a) "add " a ", " a ", " a ", asr #31\n"
#define TG_DW3_MUL(a) "smmulr " a ", " a ", r2\n"
#define TG_DW3_OUT(a) "smmlar " a ", " a ", r3, r9\n" "ssat " a ", #8, " a "\n"

/* 2x2 outputs: r10, r11 of the first row, r12, lr of the second; r7, r8, r9 the weights 1 and 2; r0 planes, r1 output.
 * stack: 0 multiplier, 4 factor, 8 step, 12 row step, 16 zero point, 20 twice the bias, 24 r9, 28 the rows' end */
#define TG_DW3_BLOCK(sign) \
  "ldr.w lr, [sp, #20]\n" \
  "ldrd r2, r3, [r0]\n" \
  "smlad r10, r2, r4, lr\n" \
  "smlatb r11, r2, r4, lr\n" \
  "smlad r12, r3, r4, lr\n" \
  "smlad r10, r3, r5, r10\n" \
  "smlatb r11, r3, r5, r11\n" \
  "smlatb lr, r3, r4, lr\n" \
  "ldrd r2, r3, [r0, #8]\n" \
  "smlad r10, r2, r6, r10\n" \
  "smlatb r11, r2, r6, r11\n" \
  "smlad r12, r2, r5, r12\n" \
  "smlatb lr, r2, r5, lr\n" \
  "smlad r12, r3, r6, r12\n" \
  "smlatb lr, r3, r6, lr\n" \
  "ldrd r2, r3, [r0, #256]\n" \
  "smlabt r10, r2, r7, r10\n" \
  "smlad r11, r2, r7, r11\n" \
  "smlabt r10, r3, r8, r10\n" \
  "smlad r11, r3, r8, r11\n" \
  "smlabt r12, r3, r7, r12\n" \
  "smlad lr, r3, r7, lr\n" \
  "ldrd r2, r3, [r0, #264]\n" \
  "smlabt r10, r2, r9, r10\n" \
  "smlad r11, r2, r9, r11\n" \
  "smlabt r12, r2, r8, r12\n" \
  "smlad lr, r2, r8, lr\n" \
  "smlabt r12, r3, r9, r12\n" \
  "smlad lr, r3, r9, lr\n" \
  "ldrd r2, r3, [sp]\n" \
  "ldr.w r9, [sp, #16]\n" \
  TG_DW3_MUL("r10") TG_DW3_MUL("r11") TG_DW3_MUL("r12") TG_DW3_MUL("lr") \
  sign("r10") sign("r11") sign("r12") sign("lr") \
  TG_DW3_OUT("r10") TG_DW3_OUT("r11") TG_DW3_OUT("r12") TG_DW3_OUT("lr") \
  "ldrd r2, r3, [sp, #8]\n" \
  "ldr.w r9, [sp, #24]\n" \
  "adds r0, #8\n" \
  "add r3, r1\n" \
  "strb.w lr, [r3, r2]\n" \
  "strb.w r12, [r3]\n" \
  "strb.w r11, [r1, r2]\n" \
  "strb.w r10, [r1]\n" \
  "rsb r1, r1, r3, lsl #1\n" \
  "ldr r2, [sp, #28]\n" \
  "cmp r0, r2\n"

/* 2x1 outputs, of the last column of an odd width */
#define TG_DW3_BLOCK_1(sign) \
  "ldr.w r12, [sp, #20]\n" \
  "ldrd r2, r3, [r0]\n" \
  "smlad r10, r2, r4, r12\n" \
  "smlad r12, r3, r4, r12\n" \
  "smlad r10, r3, r5, r10\n" \
  "ldrd r2, r3, [r0, #8]\n" \
  "smlad r10, r2, r6, r10\n" \
  "smlad r12, r2, r5, r12\n" \
  "smlad r12, r3, r6, r12\n" \
  "ldrd r2, r3, [r0, #256]\n" \
  "smlabt r10, r2, r7, r10\n" \
  "smlabt r10, r3, r8, r10\n" \
  "smlabt r12, r3, r7, r12\n" \
  "ldrd r2, r3, [r0, #264]\n" \
  "smlabt r10, r2, r9, r10\n" \
  "smlabt r12, r2, r8, r12\n" \
  "smlabt r12, r3, r9, r12\n" \
  "ldrd r2, r3, [sp]\n" \
  "ldr.w r9, [sp, #16]\n" \
  TG_DW3_MUL("r10") TG_DW3_MUL("r12") \
  sign("r10") sign("r12") \
  TG_DW3_OUT("r10") TG_DW3_OUT("r12") \
  "ldr r3, [sp, #12]\n" \
  "ldr.w r9, [sp, #24]\n" \
  "adds r0, #8\n" \
  "add r3, r1\n" \
  "strb.w r12, [r3]\n" \
  "strb.w r10, [r1]\n" \
  "rsb r1, r1, r3, lsl #1\n" \
  "ldr r2, [sp, #28]\n" \
  "cmp r0, r2\n"

#define TG_DW3_NO_SIGN(a) ""

/* Down one or two columns: all pairs of rows, then a row that is left over as a pair whose row step is 0; the upper row
 * is stored last. stack behind the block's: 32 bytes of even rows, 36 row step, 48 odd rows */
#define TG_DW3_SWEEP(block) \
  "ldrd r2, r3, [sp, #32]\n" \
  "str r3, [sp, #12]\n" \
  "add r3, r0, r2\n" \
  "str r3, [sp, #28]\n" \
  "cmp r0, r3\n" \
  "beq.w 2f\n" \
  "1:\n" block \
  "bne.w 1b\n" \
  "2:\n" \
  "ldr r2, [sp, #48]\n" \
  "ldr r3, [sp, #12]\n" \
  "cbz r2, 3f\n" \
  "cbz r3, 3f\n" \
  "movs r3, #0\n" \
  "str r3, [sp, #12]\n" \
  "add.w r3, r0, #8\n" \
  "str r3, [sp, #28]\n" \
  "b 1b\n" \
  "3:\n"

/* Pairs of columns, then the last column of an odd width. stack: 40 planes, 44 output, 52 width that is left */
#define TG_DW3_COLUMNS(sign) \
  "10:\n" \
  "ldr r2, [sp, #52]\n" \
  "subs r2, #2\n" \
  "str r2, [sp, #52]\n" \
  "blt.w 11f\n" TG_DW3_SWEEP(TG_DW3_BLOCK(sign)) \
  "ldrd r0, r1, [sp, #40]\n" \
  "ldr r2, [sp, #8]\n" \
  "add.w r0, r0, #256\n" \
  "add.w r1, r1, r2, lsl #1\n" \
  "strd r0, r1, [sp, #40]\n" \
  "b 10b\n" \
  "11:\n" \
  "adds r2, #2\n" \
  "beq.w 12f\n" TG_DW3_SWEEP(TG_DW3_BLOCK_1(sign)) \
  "12:\n" \
  "add sp, sp, #56\n" \
  "pop {r4-r11, pc}\n"

TG_NAKED static void tg_dw3_stride_1(TG_ARG const uint32_t *planes, TG_ARG int8_t *out, TG_ARG const int32_t *stream,
                                     TG_ARG const tg_dw3_strip *strip) {
  __asm__ volatile(
      ".syntax unified\n"
      "push {r3-r11, lr}\n"
      "sub sp, sp, #52\n" /* and the word of r3 */
      TG_DW3_WEIGHTS
      "pkhtb r7, r7, r4, asr #16\n"
      "pkhtb r8, r8, r5, asr #16\n"
      "pkhtb r9, r9, r6, asr #16\n"
      "str.w r11, [sp]\n"
      "str.w r12, [sp, #4]\n"
      "str.w r10, [sp, #20]\n"
      "str.w r9, [sp, #24]\n"
      "strd r0, r1, [sp, #40]\n"
      "ldm.w r3, {r2, r10, r11, r12, lr}\n"
      "ldr r3, [r3, #20]\n"
      "str r2, [sp, #8]\n"
      "str.w r10, [sp, #36]\n"
      "str.w r11, [sp, #16]\n"
      "str r3, [sp, #52]\n"
      "and r2, lr, #1\n"
      "str r2, [sp, #48]\n"
      "bic lr, lr, #1\n"
      "lsl lr, lr, #2\n"
      "str.w lr, [sp, #32]\n"
      "cmp r12, #0\n"
      "beq.w 20f\n" TG_DW3_COLUMNS(TG_DW3_NO_SIGN)
      "20:\n" TG_DW3_COLUMNS(TG_DW3_SIGN));
}

/* 1x2 outputs with stride 2: r10, r11; r7 the weights 2 of the first two window rows, r8 (above) of the third; r9
 * multiplier, r12 factor, lr zero point. stack: 0 step, 4 row step, 8 twice the bias, 12 the rows' end */
#define TG_DW3_BLOCK_2(sign) \
  "1:\n" \
  "ldr.w r11, [sp, #8]\n" \
  "ldrd r2, r3, [r0]\n" \
  "smlad r10, r2, r4, r11\n" \
  "smlad r10, r3, r5, r10\n" \
  "ldr r2, [r0, #8]\n" \
  "smlad r10, r2, r6, r10\n" \
  "ldrd r2, r3, [r0, #256]\n" \
  "smlabb r10, r2, r7, r10\n" \
  "smlabt r10, r3, r7, r10\n" \
  "smlad r11, r2, r4, r11\n" \
  "smlad r11, r3, r5, r11\n" \
  "ldr.w r2, [r0, #264]\n" \
  "smlabt r10, r2, r8, r10\n" \
  "smlad r11, r2, r6, r11\n" \
  "ldrd r2, r3, [r0, #512]\n" \
  "smlabb r11, r2, r7, r11\n" \
  "smlabt r11, r3, r7, r11\n" \
  "ldr.w r2, [r0, #520]\n" \
  "smlabt r11, r2, r8, r11\n" \
  "smmulr r10, r10, r9\n" \
  "smmulr r11, r11, r9\n" \
  sign("r10") sign("r11") \
  "smmlar r10, r10, r12, lr\n" \
  "smmlar r11, r11, r12, lr\n" \
  "ssat r10, #8, r10\n" \
  "ssat r11, #8, r11\n" \
  "ldrd r2, r3, [sp]\n" \
  "adds r0, #8\n" \
  "strb.w r11, [r1, r2]\n" \
  "strb.w r10, [r1]\n" \
  "add r1, r3\n" \
  "ldr r2, [sp, #12]\n" \
  "cmp r0, r2\n" \
  "bne 1b\n"

/* Pairs of columns; the last column of an odd width is a pair whose step is 0, its first column being stored last.
 * stack: 16 bytes of the rows, 20 planes, 24 output, 28 width that is left */
#define TG_DW3_COLUMNS_2(sign) \
  "10:\n" \
  "ldr r2, [sp, #28]\n" \
  "ldr r3, [sp, #16]\n" \
  "subs r2, #2\n" \
  "str r2, [sp, #28]\n" \
  "adds r2, #1\n" \
  "bgt 11f\n" \
  "blt 12f\n" \
  "str r2, [sp]\n" /* 0 */ \
  "11:\n" \
  "add r3, r0\n" \
  "str r3, [sp, #12]\n" TG_DW3_BLOCK_2(sign) \
  "ldrd r0, r1, [sp, #20]\n" \
  "ldr r2, [sp]\n" \
  "add.w r0, r0, #512\n" \
  "add.w r1, r1, r2, lsl #1\n" \
  "strd r0, r1, [sp, #20]\n" \
  "b 10b\n" \
  "12:\n" \
  "add sp, sp, #32\n" \
  "pop {r4-r11, pc}\n"

TG_NAKED static void tg_dw3_stride_2(TG_ARG const uint32_t *planes, TG_ARG int8_t *out, TG_ARG const int32_t *stream,
                                     TG_ARG const tg_dw3_strip *strip) {
  __asm__ volatile(
      ".syntax unified\n"
      "push {r3-r11, lr}\n"
      "sub sp, sp, #28\n" /* and the word of r3 */
      TG_DW3_WEIGHTS
      "pkhtb r7, r8, r7, asr #16\n"
      "mov r8, r9\n"
      "mov r9, r11\n"
      "str.w r10, [sp, #8]\n"
      "strd r0, r1, [sp, #20]\n"
      "ldm.w r3, {r2, r10, lr}\n"
      "strd r2, r10, [sp]\n"
      "ldr r2, [r3, #16]\n"
      "lsls r2, r2, #3\n"
      "str r2, [sp, #16]\n"
      "ldr r2, [r3, #20]\n"
      "str r2, [sp, #28]\n"
      "ldr r2, [r3, #12]\n"
      "cmp r2, #0\n"
      "beq.w 20f\n" TG_DW3_COLUMNS_2(TG_DW3_NO_SIGN)
      "20:\n" TG_DW3_COLUMNS_2(TG_DW3_SIGN));
}

#else

/* two pixels of four channels, halves side by side, into the planes of a word */
static inline void tg_dw3_pack(uint32_t a, uint32_t b, uint32_t *to) {
  for (int32_t c = 0; c < 4; ++c) {
    to[c * TG_DW3_ROWS] = tg_halves(tg_byte(a, c), tg_byte(b, c));
  }
}

static inline void tg_dw3_widen(const int8_t *from, uint32_t *planes, int32_t rows, const tg_dw3_source *source) {
  for (int32_t row = 0; row < rows; ++row, from += source->row_bytes, ++planes) {
    const int8_t *pixel = from;
    uint32_t *to = planes;
    if (source->left) {
      tg_dw3_pack(source->zeros, tg_load4(pixel), to);
      pixel += source->step;
      to += 4 * TG_DW3_ROWS;
    }
    for (int32_t i = 0; i < source->pairs; ++i, pixel += 2 * source->step, to += 4 * TG_DW3_ROWS) {
      tg_dw3_pack(tg_load4(pixel), tg_load4(pixel + source->step), to);
    }
    if (source->right) tg_dw3_pack(tg_load4(pixel), source->zeros, to);
  }
}

static inline void tg_dw3_any(const uint32_t *planes, int8_t *out, const int32_t *stream, const tg_dw3_strip *strip,
                              int32_t stride) {
  const int32_t factor = (int32_t)(UINT32_C(1) << (32 - ((uint32_t)stream[0] >> 8 & 0xFFU)));
  for (int32_t y = 0; y < strip->rows; ++y) {
    for (int32_t x = 0; x < strip->width; ++x) {
      int32_t twice = stream[3];
      for (int32_t r = 0; r < 3; ++r) {
        for (int32_t i = 0; i < 3; ++i) {
          const int32_t column = x * stride + i;
          const uint32_t word = planes[column / 2 * 4 * TG_DW3_ROWS + y * stride + r];
          const int32_t weight = tg_byte((uint32_t)stream[r], i == 0 ? 0 : i + 1);
          twice += 2 * weight * (column % 2 ? tg_high(word) : tg_low(word));
        }
      }
      out[y * strip->row_step + x * strip->step] =
          (int8_t)tg_requantize_dsp(twice, stream[4], factor, strip->zero_point, strip->relu);
    }
  }
}

static inline void tg_dw3_stride_1(const uint32_t *planes, int8_t *out, const int32_t *stream,
                                   const tg_dw3_strip *strip) {
  tg_dw3_any(planes, out, stream, strip, 1);
}

static inline void tg_dw3_stride_2(const uint32_t *planes, int8_t *out, const int32_t *stream,
                                   const tg_dw3_strip *strip) {
  tg_dw3_any(planes, out, stream, strip, 2);
}

#endif

/* Of `count` words of rows the zero point in rows [0, first) and [last, rows). */
static inline void tg_dw3_border(uint32_t *planes, int32_t count, int32_t first, int32_t last, int32_t rows,
                                 uint32_t zeros) {
  for (int32_t i = 0; i < 4 * count; ++i, planes += TG_DW3_ROWS) {
    for (int32_t row = 0; row < first; ++row) planes[row] = zeros;
    for (int32_t row = last; row < rows; ++row) planes[row] = zeros;
  }
}

/* output rows [y, y + rows), which follow one another in memory */
static inline void tg_dw3_strip_rows(const tg_depthwise_3x3_s8_dsp_params *p, const tg_input *in, int8_t *to, int32_t y,
                                     int32_t rows, uint32_t *planes) {
  const int32_t top = y * p->stride - p->pad_top;
  const int32_t first = tg_max(top, 0);
  const int32_t last = tg_min(top + (rows - 1) * p->stride + 3, p->input_height);
  /* what of the row the windows reach */
  const int32_t width = tg_min(p->input_width, 2 * p->words - p->pad_left);
  const int32_t inside = width - p->pad_left;
  const tg_dw3_source source = {p->channels, in->row_bytes, inside / 2, ((uint32_t)p->input_zero_point & 0xFFU) * 0x01010101U,
                                p->pad_left, inside % 2};
  const int32_t relu = p->activation_min >= p->output_zero_point ? 1 : 0;
  const tg_dw3_strip strip = {p->channels, p->output_width * p->channels, p->output_zero_point, relu, rows,
                              p->output_width};
  const int32_t *stream = p->stream;
  const int32_t known = source.left + source.pairs + source.right;
  const int32_t needed = (rows - 1) * p->stride + 3;
  const uint32_t zeros = tg_halves(p->input_zero_point, p->input_zero_point);
  if (first > top || last < top + needed) tg_dw3_border(planes, known, first - top, last - top, needed, zeros);
  tg_dw3_border(planes + known * 4 * TG_DW3_ROWS, p->words - known, needed, needed, needed, zeros);
  for (int32_t c = 0; c < p->channels; c += 4) {
    for (int32_t row = first; row < last;) {
      const int32_t count = tg_min(last - row, in->ring_rows - row % in->ring_rows);
      tg_dw3_widen(tg_input_row(in, row) + c, planes + row - top, count, &source);
      row += count;
    }
    for (int32_t i = 0; i < 4; ++i, stream += 5) {
      if (p->stride == 1) {
        tg_dw3_stride_1(planes + i * TG_DW3_ROWS, to + c + i, stream, &strip);
      } else {
        tg_dw3_stride_2(planes + i * TG_DW3_ROWS, to + c + i, stream, &strip);
      }
    }
  }
  if (p->activation_min > INT8_MIN || p->activation_max < INT8_MAX) {
    tg_clamp_bytes(to, rows * strip.row_step, p->activation_min, p->activation_max);
  }
}

TG_SHARED void tg_depthwise_3x3_s8_dsp(const tg_depthwise_3x3_s8_dsp_params *p, const tg_input *in,
                                       const tg_output *out, int32_t y0, int32_t y1, void *scratch, void *carry) {
  (void)carry;
  for (int32_t strip = y0; strip < y1; strip += p->strip_rows) {
    const int32_t end = tg_min(strip + p->strip_rows, y1);
    for (int32_t y = strip; y < end;) {
      const int32_t rows = tg_min(end - y, out->ring_rows - y % out->ring_rows);
      tg_dw3_strip_rows(p, in, tg_output_row(out, y), y, rows, (uint32_t *)scratch);
      y += rows;
    }
  }
}

#endif

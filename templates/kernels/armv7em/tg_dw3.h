/* SPDX-License-Identifier: 0BSD */
/* The planes of depthwise_3x3_s8_dsp.h, which says what lies in them, and one channel of them in plain C. */
#ifndef TG_DW3_H
#define TG_DW3_H

#include "tg_dsp.h"

#define TG_DW3_ROWS 16

/* one strip of one channel, as the assembly reads it */
typedef struct {
  int32_t step;     /* 0: from a pixel to the next, in the output */
  int32_t row_step; /* 4: from a row to the next */
  int32_t zero_point; /* 8 */
  int32_t relu; /* 12 */
  int32_t rows; /* 16: of the output */
  int32_t width; /* 20: of the output */
} tg_dw3_strip;

/* rows of four channels of an input, as the assembly reads it */
typedef struct {
  int32_t next_row;   /* 0: from behind the pairs of a row to the next row */
  int32_t next_plane; /* 4: the same in the planes */
  uint32_t zeros;     /* 8: the zero point four times */
  int32_t left;       /* 12: 1 if the first word has the zero point and a pixel */
  int32_t pairs;      /* 16: words of two pixels inside the input */
  int32_t right;      /* 20: 1 if the last one has a pixel and the zero point */
  int32_t step;       /* 24: from a pixel to the next */
} tg_dw3_source;

static inline tg_dw3_source tg_dw3_make_source(int32_t step, int32_t row_bytes, int32_t left, int32_t inside,
                                               uint32_t zeros) {
  const int32_t pairs = (inside - left) / 2;
  const int32_t right = (inside - left) % 2;
  const tg_dw3_source source = {row_bytes - (left + 2 * pairs) * step, 4 - (left + pairs + right) * 16 * TG_DW3_ROWS,
                                zeros, left, pairs, right, step};
  return source;
}

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

/* r4 and r5: input and planes; r0 and r1 what they move on by behind a row; r2 rows, r3 zero points, r12 step.
 * stack: 0 left, 4 pairs, 8 right */
TG_NAKED static void tg_dw3_widen(TG_ARG const int8_t *from, TG_ARG uint32_t *planes, TG_ARG int32_t rows,
                                  TG_ARG const tg_dw3_source *source) {
  __asm__ volatile(
      ".syntax unified\n"
      "push {r4-r11, lr}\n"
      "mov r4, r0\n"
      "mov r5, r1\n"
      "ldm.w r3, {r0, r1, r3, r6, r7, r8, r12}\n"
      "push {r6, r7, r8}\n"
      "1:\n"
      "ldr r6, [sp]\n"
      "ldr.w lr, [sp, #4]\n"
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
      "ldr r6, [sp, #8]\n"
      "cbz r6, 5f\n"
      "ldr r7, [r4]\n" TG_DW3_PACK("r7", "r3")
      "5:\n"
      "add r4, r0\n"
      "add r5, r1\n"
      "subs r2, r2, #1\n"
      "bne 1b\n"
      "add sp, sp, #12\n"
      "pop {r4-r11, pc}\n");
}

/* r4, r5, r6 become the weights 0 and 1 of each window row, doubled, the upper halves of r7, r8, r9 the weight 2; r10
 * twice the bias, r11 the multiplier, r12 the factor; words lie at any byte */
#define TG_DW3_WEIGHTS \
  "ldr r7, [r2]\n" \
  "ldr.w r8, [r2, #3]\n" \
  "ldr.w r9, [r2, #6]\n" \
  "ldr.w r10, [r2, #10]\n" \
  "ldr.w r11, [r2, #14]\n" \
  "uxtb.w r12, r7\n" \
  "rsb r12, r12, #32\n" \
  "movs r4, #1\n" \
  "lsl r12, r4, r12\n" \
  "sxtb16 r4, r7, ror #8\n" \
  "sxtb16 r5, r8, ror #8\n" \
  "sxtb16 r6, r9, ror #8\n" \
  "sxtb16 r7, r7\n" \
  "sxtb16 r8, r8\n" \
  "sxtb16 r9, r9\n" \
  "sadd16 r4, r4, r4\n" \
  "sadd16 r5, r5, r5\n" \
  "sadd16 r6, r6, r6\n" \
  "sadd16 r7, r7, r7\n" \
  "sadd16 r8, r8, r8\n" \
  "sadd16 r9, r9, r9\n"

#define TG_DW3_SIGN(a) "add " a ", " a ", " a ", asr #31\n"
#define TG_DW3_MUL(a) "smmulr " a ", " a ", r2\n"
#define TG_DW3_OUT(a) "smmlar " a ", " a ", r3, r9\n" "ssat " a ", #8, " a "\n"

#define TG_DW3_NO_SIGN(a) ""

#else

/* two pixels of four channels, halves side by side, into the planes of a word */
static inline void tg_dw3_pack(uint32_t a, uint32_t b, uint32_t *to) {
  for (int32_t c = 0; c < 4; ++c) {
    to[c * TG_DW3_ROWS] = tg_halves(tg_byte(a, c), tg_byte(b, c));
  }
}

static inline void tg_dw3_widen(const int8_t *from, uint32_t *planes, int32_t rows, const tg_dw3_source *source) {
  for (int32_t row = 0; row < rows; ++row) {
    if (source->left) {
      tg_dw3_pack(source->zeros, tg_load4(from), planes);
      from += source->step;
      planes += 4 * TG_DW3_ROWS;
    }
    for (int32_t i = 0; i < source->pairs; ++i, from += 2 * source->step, planes += 4 * TG_DW3_ROWS) {
      tg_dw3_pack(tg_load4(from), tg_load4(from + source->step), planes);
    }
    if (source->right) {
      tg_dw3_pack(tg_load4(from), source->zeros, planes);
      planes += 4 * TG_DW3_ROWS;
    }
    if (row + 1 == rows) break; /* nothing lies behind the last one */
    from += source->next_row;
    planes += source->next_plane / 4;
  }
}

static inline void tg_dw3_outputs(const uint32_t *planes, int8_t *out, const int8_t *stream, const tg_dw3_strip *strip,
                                  int32_t stride) {
  const int32_t factor = (int32_t)(UINT32_C(1) << (32 - stream[0]));
  const int32_t bias = (int32_t)tg_load4(stream + 10);
  const int32_t multiplier = (int32_t)tg_load4(stream + 14);
  for (int32_t y = 0; y < strip->rows; ++y) {
    for (int32_t x = 0; x < strip->width; ++x) {
      int32_t twice = bias;
      for (int32_t r = 0; r < 3; ++r) {
        for (int32_t i = 0; i < 3; ++i) {
          const int32_t column = x * stride + i;
          const uint32_t word = planes[column / 2 * 4 * TG_DW3_ROWS + y * stride + r];
          const int32_t weight = stream[1 + 3 * r + (i == 0 ? 0 : 3 - i)];
          twice += 2 * weight * (column % 2 ? tg_high(word) : tg_low(word));
        }
      }
      out[y * strip->row_step + x * strip->step] =
          (int8_t)tg_requantize_dsp(twice, multiplier, factor, strip->zero_point, strip->relu);
    }
  }
}

#endif

#endif

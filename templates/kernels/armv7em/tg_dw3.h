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

#define TG_DW3_NO_SIGN(a) ""

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

static inline void tg_dw3_outputs(const uint32_t *planes, int8_t *out, const int32_t *stream, const tg_dw3_strip *strip,
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

#endif

#endif

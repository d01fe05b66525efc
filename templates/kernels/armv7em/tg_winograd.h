/* SPDX-License-Identifier: 0BSD */
/* What conv_3x3_winograd_s8_dsp.h makes of inputs and weights before it multiplies them; it says why. */
#ifndef TG_WINOGRAD_H
#define TG_WINOGRAD_H

#include "tg_dsp.h"

#if TG_DSP

#define TG_WINOGRAD_SUB(d, x, y) "ssub16 " d ", " x ", " y "\n"
#define TG_WINOGRAD_SUM(d, x, y) "sadd16 " d ", " x ", " y "\n"
/* the next of six pixels of two rows, at r0 and r1 + r4: what they have in common, of channels 0 and 2, and 1 and 3 */
#define TG_WINOGRAD_PIXEL(combine, even, odd) \
  "ldr.w r12, [r0, r4]\n" \
  "ldr.w lr, [r1, r4]\n" \
  "add r4, r2\n" \
  "sxtb16 " even ", r12\n" \
  "sxtb16 r11, lr\n" \
  "sxtb16 " odd ", r12, ror #8\n" \
  "sxtb16 lr, lr, ror #8\n" \
  combine(even, even, "r11") combine(odd, odd, "lr")
#define TG_WINOGRAD_PUT(what, at, x, y) what("r11", x, y) "str.w r11, [r3, #" at "]\n"

/* One row of the transformed tiles, from the difference or sum of two input rows of six pixels: for each four channels
 * four times four words (two channels of two tiles, and the other two), 64 words further on. slots: 0 the row's end */
#define TG_WINOGRAD_ROW(name, combine) \
  TG_NAKED static void name(TG_ARG const int8_t *a, TG_ARG const int8_t *b, TG_ARG int32_t depth, TG_ARG uint32_t *to) { \
    __asm__ volatile( \
        ".syntax unified\n" \
        "push {r4-r11, lr}\n" TG_SLOTS_BEGIN(1) \
        "add r4, r0, r2\n" TG_PUT("r4", 0) \
        "1:\n" \
        "movs r4, #0\n" \
        TG_WINOGRAD_PIXEL(combine, "r5", "r6") \
        TG_WINOGRAD_PIXEL(combine, "r7", "r8") \
        TG_WINOGRAD_PIXEL(combine, "r9", "r10") \
        TG_WINOGRAD_PUT(TG_WINOGRAD_SUB, "0", "r5", "r9") TG_WINOGRAD_PUT(TG_WINOGRAD_SUB, "8", "r6", "r10") \
        TG_WINOGRAD_PUT(TG_WINOGRAD_SUM, "16", "r7", "r9") TG_WINOGRAD_PUT(TG_WINOGRAD_SUM, "24", "r8", "r10") \
        TG_WINOGRAD_PUT(TG_WINOGRAD_SUB, "32", "r9", "r7") TG_WINOGRAD_PUT(TG_WINOGRAD_SUB, "40", "r10", "r8") \
        TG_WINOGRAD_PIXEL(combine, "r5", "r6") \
        TG_WINOGRAD_PUT(TG_WINOGRAD_SUB, "48", "r7", "r5") TG_WINOGRAD_PUT(TG_WINOGRAD_SUB, "56", "r8", "r6") \
        TG_WINOGRAD_PIXEL(combine, "r7", "r8") \
        TG_WINOGRAD_PUT(TG_WINOGRAD_SUB, "4", "r9", "r7") TG_WINOGRAD_PUT(TG_WINOGRAD_SUB, "12", "r10", "r8") \
        TG_WINOGRAD_PUT(TG_WINOGRAD_SUM, "20", "r5", "r7") TG_WINOGRAD_PUT(TG_WINOGRAD_SUM, "28", "r6", "r8") \
        TG_WINOGRAD_PUT(TG_WINOGRAD_SUB, "36", "r7", "r5") TG_WINOGRAD_PUT(TG_WINOGRAD_SUB, "44", "r8", "r6") \
        TG_WINOGRAD_PIXEL(combine, "r9", "r10") \
        TG_WINOGRAD_PUT(TG_WINOGRAD_SUB, "52", "r5", "r9") TG_WINOGRAD_PUT(TG_WINOGRAD_SUB, "60", "r6", "r10") \
        TG_GET("r12", 0) \
        "adds r0, #4\n" \
        "adds r1, #4\n" \
        "add.w r3, r3, #256\n" \
        "cmp r0, r12\n" \
        "bne.w 1b\n" TG_SLOTS_END(1) \
        "pop {r4-r11, pc}\n"); \
  }

TG_WINOGRAD_ROW(tg_winograd_difference, TG_WINOGRAD_SUB)
TG_WINOGRAD_ROW(tg_winograd_sum, TG_WINOGRAD_SUM)

/* a row (a, a + b + c, a - b + c, c) of transformed weights, with temporaries t and u */
#define TG_WINOGRAD_WEIGHTS_ROW(a, b, c, t, u, at0, at1, at2, at3) \
  "sadd16 " t ", " a ", " c "\n" \
  "str.w " a ", [r1, #" at0 "]\n" \
  "sadd16 " u ", " t ", " b "\n" \
  "ssub16 " t ", " t ", " b "\n" \
  "str.w " u ", [r1, #" at1 "]\n" \
  "str.w " t ", [r1, #" at2 "]\n" \
  "str.w " c ", [r1, #" at3 "]\n"
#define TG_WINOGRAD_COLUMN(sum, a, b, c) \
  "sadd16 " a ", " a ", " c "\n" \
  "sadd16 " sum ", " a ", " b "\n" \
  "ssub16 " a ", " a ", " b "\n"
/* the nine taps of two channels of a filter at r0, `half` says which, to r1 */
#define TG_WINOGRAD_WEIGHTS_TILE(half) \
  "ldr r2, [r0]\n" \
  "ldr r3, [r0, #4]\n" \
  "ldr r4, [r0, #8]\n" \
  "ldr r5, [r0, #12]\n" \
  "ldr r6, [r0, #16]\n" \
  "ldr r7, [r0, #20]\n" \
  "ldr.w r8, [r0, #24]\n" \
  "ldr.w r9, [r0, #28]\n" \
  "ldr.w r10, [r0, #32]\n" \
  "sxtb16 r2, r2" half "\nsxtb16 r3, r3" half "\nsxtb16 r4, r4" half "\n" \
  "sxtb16 r5, r5" half "\nsxtb16 r6, r6" half "\nsxtb16 r7, r7" half "\n" \
  "sxtb16 r8, r8" half "\nsxtb16 r9, r9" half "\nsxtb16 r10, r10" half "\n" \
  TG_WINOGRAD_WEIGHTS_ROW("r2", "r3", "r4", "r11", "r12", "0", "32", "64", "96") \
  TG_WINOGRAD_COLUMN("r11", "r2", "r5", "r8") \
  TG_WINOGRAD_COLUMN("r5", "r3", "r6", "r9") \
  TG_WINOGRAD_COLUMN("r6", "r4", "r7", "r10") \
  TG_WINOGRAD_WEIGHTS_ROW("r11", "r5", "r6", "r7", "r12", "128", "160", "192", "224") \
  TG_WINOGRAD_WEIGHTS_ROW("r2", "r3", "r4", "r7", "r12", "256", "288", "320", "352") \
  TG_WINOGRAD_WEIGHTS_ROW("r8", "r9", "r10", "r7", "r12", "384", "416", "448", "480")

/* the weights of four filters: of each four channels, 16 times, a word of two channels of each filter and one of the
 * other two. slots: 0 the weights' end */
TG_NAKED static void tg_winograd_weights(TG_ARG const int32_t *weights, TG_ARG int32_t depth, TG_ARG uint32_t *to) {
  __asm__ volatile(
      ".syntax unified\n"
      "push {r4-r11, lr}\n" TG_SLOTS_BEGIN(1)
      "movs r3, #36\n"
      "mla r3, r1, r3, r0\n" TG_PUT("r3", 0)
      "mov r1, r2\n"
      "1:\n"
      "mov.w lr, #4\n"
      "2:\n" TG_WINOGRAD_WEIGHTS_TILE("")
      "adds r1, #16\n" TG_WINOGRAD_WEIGHTS_TILE(", ror #8")
      "subs r1, #12\n"
      "adds r0, #36\n"
      "subs lr, lr, #1\n"
      "bne.w 2b\n" TG_GET("r2", 0)
      "add.w r1, r1, #496\n"
      "cmp r0, r2\n"
      "bne.w 1b\n" TG_SLOTS_END(1)
      "pop {r4-r11, pc}\n");
}

#else

#define TG_WINOGRAD_ROW(name, combine)                                                                     \
  static inline void name(const int8_t *a, const int8_t *b, int32_t depth, uint32_t *to) {                 \
    for (int32_t c = 0; c < depth; c += 4, a += 4, b += 4, to += 64) {                                     \
      uint32_t even[6];                                                                                    \
      uint32_t odd[6];                                                                                     \
      for (int32_t i = 0; i < 6; ++i) {                                                                    \
        const uint32_t x = tg_load4(a + i * depth);                                                        \
        const uint32_t y = tg_load4(b + i * depth);                                                        \
        even[i] = combine(tg_even_bytes(x), tg_even_bytes(y));                                             \
        odd[i] = combine(tg_odd_bytes(x), tg_odd_bytes(y));                                                \
      }                                                                                                    \
      for (int32_t t = 0; t < 2; ++t) {                                                                    \
        to[t] = tg_sub_halves(even[2 * t], even[2 * t + 2]);                                               \
        to[4 + t] = tg_add_halves(even[2 * t + 1], even[2 * t + 2]);                                       \
        to[8 + t] = tg_sub_halves(even[2 * t + 2], even[2 * t + 1]);                                       \
        to[12 + t] = tg_sub_halves(even[2 * t + 1], even[2 * t + 3]);                                      \
        to[t + 2] = tg_sub_halves(odd[2 * t], odd[2 * t + 2]);                                             \
        to[4 + t + 2] = tg_add_halves(odd[2 * t + 1], odd[2 * t + 2]);                                     \
        to[8 + t + 2] = tg_sub_halves(odd[2 * t + 2], odd[2 * t + 1]);                                     \
        to[12 + t + 2] = tg_sub_halves(odd[2 * t + 1], odd[2 * t + 3]);                                    \
      }                                                                                                    \
    }                                                                                                      \
  }

TG_WINOGRAD_ROW(tg_winograd_difference, tg_sub_halves)
TG_WINOGRAD_ROW(tg_winograd_sum, tg_add_halves)

/* one row of transformed weights: (a, a + b + c, a - b + c, c) */
static inline void tg_winograd_weights_row(uint32_t a, uint32_t b, uint32_t c, uint32_t *to) {
  const uint32_t sum = tg_add_halves(a, c);
  to[0] = a;
  to[8] = tg_add_halves(sum, b);
  to[16] = tg_sub_halves(sum, b);
  to[24] = c;
}

static inline void tg_winograd_weights_tile(const uint32_t *g, uint32_t *to) {
  uint32_t sums[3];
  for (int32_t i = 0; i < 3; ++i) sums[i] = tg_add_halves(g[i], g[6 + i]);
  tg_winograd_weights_row(g[0], g[1], g[2], to);
  tg_winograd_weights_row(tg_add_halves(sums[0], g[3]), tg_add_halves(sums[1], g[4]), tg_add_halves(sums[2], g[5]),
                          to + 32);
  tg_winograd_weights_row(tg_sub_halves(sums[0], g[3]), tg_sub_halves(sums[1], g[4]), tg_sub_halves(sums[2], g[5]),
                          to + 64);
  tg_winograd_weights_row(g[6], g[7], g[8], to + 96);
}

static inline void tg_winograd_weights(const int32_t *weights, int32_t depth, uint32_t *to) {
  for (int32_t c = 0; c < depth; c += 4, to += 128) {
    for (int32_t f = 0; f < 4; ++f, weights += 9) {
      uint32_t g[9];
      for (int32_t i = 0; i < 9; ++i) g[i] = tg_even_bytes((uint32_t)weights[i]);
      tg_winograd_weights_tile(g, to + f);
      for (int32_t i = 0; i < 9; ++i) g[i] = tg_odd_bytes((uint32_t)weights[i]);
      tg_winograd_weights_tile(g, to + 4 + f);
    }
  }
}

#endif

#endif

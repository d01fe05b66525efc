/* SPDX-License-Identifier: 0BSD */
/* The inner loop of dense layers: four filters at a time times one row of inputs; the stream is tg_tile.h's. */
#ifndef TG_ROW_H
#define TG_ROW_H

#include "tg_tile.h"

#if TG_DSP

/* One step: four inputs times four filters; r6 A, r7 A + 256 B, r8 C, r9 C + 256 D; `load` brings inputs (k, k + 2) to
 * r2 and (k + 1, k + 3) to r3. */
#define TG_ROW_STEP(load) \
  load \
  "ldm.w r0!, {r10, r11, r12, lr}\n" \
  "smlad r7, r10, r2, r7\n" \
  "smlad r9, r11, r2, r9\n" \
  "sxtb16 r10, r10\n" \
  "sxtb16 r11, r11\n" \
  "smlad r6, r10, r2, r6\n" \
  "smlad r8, r11, r2, r8\n" \
  "smlad r7, r12, r3, r7\n" \
  "smlad r9, lr, r3, r9\n" \
  "sxtb16 r12, r12\n" \
  "sxtb16 lr, lr\n" \
  "smlad r6, r12, r3, r6\n" \
  "smlad r8, lr, r3, r8\n"

#define TG_ROW_OUT(a, sign) \
  "ldm r0!, {r2, r3}\n" \
  "smmlar " a ", " a ", r2, " a "\n" \
  sign \
  "smmlar " a ", " a ", r3, r5\n" \
  "ssat " a ", #8, " a "\n" \
  "strb " a ", [r4], #1\n"
#define TG_ROW_OUTS(a, b, c, d) TG_ROW_OUT("r6", a) TG_ROW_OUT("r7", b) TG_ROW_OUT("r8", c) TG_ROW_OUT("r9", d)
#define TG_ROW_SIGNED \
  TG_ROW_OUTS(TG_TILE_SIGN("r6"), TG_TILE_SIGN("r7"), TG_TILE_SIGN("r8"), TG_TILE_SIGN("r9"))
#ifdef __OPTIMIZE_SIZE__
#define TG_ROW_STEPS 2
#define TG_ROW_ROUND(step) step step
#else
#define TG_ROW_STEPS 8
#define TG_ROW_ROUND(step) TG_TILE_4(step step)
#endif

/* stack: 0 inputs, 4 out, 8 quads, 12 .. 47 saved registers, 48 zero point, 52 inputs' end, 56 entry, 60 relu */
#define TG_ROW_LOOP(name, input, load) \
  TG_NAKED static void name(TG_ARG const int32_t *weights, TG_ARG const input *from, TG_ARG int8_t *out, \
                            TG_ARG int32_t quads, TG_ARG int32_t zero_point, TG_ARG const input *end, \
                            TG_ARG int32_t entry, TG_ARG int32_t relu) { \
    __asm__ volatile( \
        ".syntax unified\n" \
        "push {r1-r11, lr}\n" \
        "adr.w r2, 3f\n" \
        "ldr r3, [sp, #56]\n" \
        "add r2, r2, r3\n" \
        "orr r2, r2, #1\n" \
        "str r2, [sp, #56]\n" \
        "2:\n" \
        "ldm.w r0!, {r6, r7, r8, r9}\n" \
        "ldr r1, [sp]\n" \
        "ldr r4, [sp, #52]\n" \
        "ldr.w pc, [sp, #56]\n" \
        ".balign 4\n" \
        "3:\n" \
        TG_ROW_ROUND(TG_ROW_STEP(load)) \
        "cmp r1, r4\n" \
        "bne.w 3b\n" \
        "ldr r2, [sp, #60]\n" \
        "ldr r4, [sp, #4]\n" \
        "ldr r5, [sp, #48]\n" \
        "subs r7, r7, r6\n" \
        "sub r9, r9, r8\n" \
        "asrs r7, r7, #8\n" \
        "asr r9, r9, #8\n" \
        TG_IF_FAST("cmp r2, #0\n" "beq 4f\n" TG_ROW_OUTS("", "", "", "") "5:\n") \
        TG_IF_SMALL(TG_ROW_SIGNED) \
        "str r4, [sp, #4]\n" \
        "ldr r2, [sp, #8]\n" \
        "subs r2, r2, #1\n" \
        "str r2, [sp, #8]\n" \
        "bne.w 2b\n" \
        "add sp, sp, #12\n" \
        "pop {r4-r11, pc}\n" \
        TG_IF_FAST("4:\n" TG_ROW_SIGNED "b 5b\n")); \
  }

#define TG_ROW_WIDE_BYTES 54
TG_ROW_LOOP(tg_row_wide_loop, uint32_t, "ldm r1!, {r2, r3}\n")

#define TG_ROW_NARROW_BYTES 64
TG_ROW_LOOP(tg_row_narrow_loop, int8_t, "ldr r2, [r1], #4\nsxtb16 r3, r2, ror #8\nsxtb16 r2, r2\n")

/* how far into the unrolled loop the first round begins */
static inline int32_t tg_row_entry(int32_t k, int32_t bytes) {
  return (TG_ROW_STEPS - k / 4 % TG_ROW_STEPS) % TG_ROW_STEPS * bytes;
}

#endif

/* `quads` times four filters of k widened inputs, to out[f]; returns the weights behind them */
static inline const int32_t *tg_row_wide(const int32_t *weights, const uint32_t *from, int32_t k, int32_t quads,
                                         int32_t zero_point, int32_t relu, int8_t *out) {
#if TG_DSP
  if (quads > 0) {
    tg_row_wide_loop(weights, from, out, quads, zero_point, from + k / 2, tg_row_entry(k, TG_ROW_WIDE_BYTES), relu);
  }
#else
  const int32_t *w = weights;
  for (int32_t q = 0; q < quads; ++q) w = tg_tile_quad(w, from, 1, k / 2, zero_point, relu, out + 4 * q);
#endif
  return weights + quads * (12 + k);
}

/* the same of k inputs as they are, k a multiple of 4 */
static inline const int32_t *tg_row_narrow(const int32_t *weights, const int8_t *from, int32_t k, int32_t quads,
                                           int32_t zero_point, int32_t relu, int8_t *out) {
#if TG_DSP
  if (quads > 0) {
    tg_row_narrow_loop(weights, from, out, quads, zero_point, from + k, tg_row_entry(k, TG_ROW_NARROW_BYTES), relu);
  }
#else
  const int32_t *w = weights;
  for (int32_t q = 0; q < quads; ++q, w += 12 + k, out += 4) {
    int32_t sums[4] = {w[0], w[1], w[2], w[3]}; /* of A, A + 256 B, C, C + 256 D */
    for (int32_t i = 0; i < k; i += 4) {
      const uint32_t x[2] = {tg_even_bytes(tg_load4(from + i)), tg_odd_bytes(tg_load4(from + i))};
      for (int32_t j = 0; j < 4; ++j) {
        const uint32_t pair = (uint32_t)w[4 + i + j]; /* of A and B, or C and D */
        sums[j % 2 * 2] = tg_smlad(tg_even_bytes(pair), x[j / 2], sums[j % 2 * 2]);
        sums[j % 2 * 2 + 1] = tg_smlad(pair, x[j / 2], sums[j % 2 * 2 + 1]);
      }
    }
    for (int32_t f = 0; f < 4; ++f) {
      const int32_t low = sums[f & ~1];
      const int32_t sum = f % 2 ? (int32_t)((uint32_t)sums[f] - (uint32_t)low) >> 8 : low;
      out[f] = (int8_t)tg_requantize_dsp_sum(sum, w[4 + k + 2 * f], w[5 + k + 2 * f], zero_point, relu);
    }
  }
#endif
  return weights + quads * (12 + k);
}

#endif

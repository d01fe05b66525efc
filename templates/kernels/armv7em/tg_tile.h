/* SPDX-License-Identifier: 0BSD */
/* The inner loop of convolutions: four filters at a time times two columns. Dense layers have one (tg_row.h).
 *
 * A column is K inputs, widened to 16 bits: of each four inputs k the words (k, k + 2) and (k + 1, k + 3); two columns
 * take turns word by word. K is padded to a multiple of 4, with weights of 0.
 *
 * The weights are one stream of words in reading order. For each four filters A, B, C, D:
 *   bias of A, of A + 256 B, of C, of C + 256 D;
 *   for each four inputs k, twice (k, then k + 1): the bytes {A[k], B[k], A[k + 2], B[k + 2]}, and those of C and D,
 *   where B is less by one if A is negative: so a half word is A + 256 B, and one SMLAD on the raw word sums both;
 *   for each filter its multiplier and 2^(32 - right shift).
 * A alone is summed with its sign extended (SXTB16), and twice the sum of B is the difference >> 7. */
#ifndef TG_TILE_H
#define TG_TILE_H

#include "tg_dsp.h"

#if TG_DSP

/* One step: two inputs of two columns times four filters. Registers: r6, r7 A; r8, r9 A + 256 B; r10, r11 C;
 * r12, lr C + 256 D, of the first and the second column; r0 weights, r1 columns. */
#define TG_TILE_STEP   \
  "ldm r0!, {r2, r3}\n" \
  "ldm r1!, {r4, r5}\n" \
  "smlad r8, r2, r4, r8\n" \
  "smlad r9, r2, r5, r9\n" \
  "sxtb16 r2, r2\n" \
  "smlad r6, r2, r4, r6\n" \
  "smlad r7, r2, r5, r7\n" \
  "smlad r12, r3, r4, r12\n" \
  "smlad lr, r3, r5, lr\n" \
  "sxtb16 r3, r3\n" \
  "smlad r10, r3, r4, r10\n" \
  "smlad r11, r3, r5, r11\n"
#define TG_TILE_STEP_BYTES 44
#define TG_TILE_STEPS 16

#define TG_TILE_4(x) x x x x
/* one filter of two columns: to int8, and into the output; r4 and r1 the columns' outputs, r5 zero point */
#define TG_TILE_OUT(a, b, sign_a, sign_b) \
  "ldm r0!, {r2, r3}\n" \
  "smmulr " a ", " a ", r2\n" \
  "smmulr " b ", " b ", r2\n" \
  sign_a sign_b \
  "smmlar " a ", " a ", r3, r5\n" \
  "smmlar " b ", " b ", r3, r5\n" \
  "ssat " a ", #8, " a "\n" \
  "ssat " b ", #8, " b "\n" \
  "strb " b ", [r1], #1\n" \
  "strb " a ", [r4], #1\n"
#define TG_TILE_SIGN(a) "add " a ", " a ", " a ", asr #31\n"
#define TG_TILE_RELU(a, b) TG_TILE_OUT(a, b, "", "")
#define TG_TILE_SIGNED(a, b) TG_TILE_OUT(a, b, TG_TILE_SIGN(a), TG_TILE_SIGN(b))

/* stack: 0 columns, 4 and 8 outputs, 12 .. 47 saved registers, 48 the first output's end, 52 zero point, 56 relu, 60 the
 * columns' end, 64 entry */
TG_NAKED static void tg_tile_4x2_loop(TG_ARG const int32_t *weights, TG_ARG const uint32_t *columns, TG_ARG int8_t *out,
                                      TG_ARG int8_t *second, TG_ARG int8_t *out_end, TG_ARG int32_t zero_point,
                                      TG_ARG int32_t relu, TG_ARG const uint32_t *columns_end, TG_ARG int32_t entry) {
  __asm__ volatile(
      ".syntax unified\n"
      "push {r1-r11, lr}\n"
      "adr.w r2, 3f\n"
      "ldr r3, [sp, #64]\n"
      "add r2, r2, r3\n"
      "orr r2, r2, #1\n"
      "str r2, [sp, #64]\n"
      "2:\n"
      "ldr r1, [sp]\n"
      "ldm.w r0, {r6, r8, r10, r12}\n"
      "ldm.w r0!, {r7, r9, r11, lr}\n"
      "ldr.w pc, [sp, #64]\n" /* into the unrolled loop, as far as the first round is shorter */
      ".balign 4\n"
      "3:\n" TG_TILE_4(TG_TILE_4(TG_TILE_STEP))
      "ldr r2, [sp, #60]\n"
      "cmp r1, r2\n"
      "bne.w 3b\n"
      "ldrd r4, r1, [sp, #4]\n"
      "ldrd r5, r2, [sp, #52]\n"
      "sub r8, r8, r6\n"
      "sub r9, r9, r7\n"
      "sub r12, r12, r10\n"
      "sub lr, lr, r11\n"
      "asr r8, r8, #7\n"
      "asr r9, r9, #7\n"
      "asr r12, r12, #7\n"
      "asr lr, lr, #7\n"
      "lsls r6, r6, #1\n"
      "lsls r7, r7, #1\n"
      "lsl r10, r10, #1\n"
      "lsl r11, r11, #1\n"
      "cmp r2, #0\n"
      "beq.w 4f\n" TG_TILE_RELU("r6", "r7") TG_TILE_RELU("r8", "r9") TG_TILE_RELU("r10", "r11")
          TG_TILE_RELU("r12", "lr")
      "5:\n"
      "ldr r2, [sp, #48]\n"
      "strd r4, r1, [sp, #4]\n"
      "cmp r4, r2\n"
      "bne.w 2b\n"
      "add sp, sp, #12\n"
      "pop {r4-r11, pc}\n"
      "4:\n" TG_TILE_SIGNED("r6", "r7") TG_TILE_SIGNED("r8", "r9") TG_TILE_SIGNED("r10", "r11")
          TG_TILE_SIGNED("r12", "lr")
      "b.w 5b\n");
}

#else

/* two filters of one column, twice their sums to out[0] and out[1]; step: words from one input pair to the next */
static inline void tg_tile_pair(const int32_t *weights, const uint32_t *column, int32_t step, int32_t words,
                                const int32_t *bias, int32_t *twice) {
  int32_t a = bias[0];
  int32_t both = bias[1];
  for (int32_t i = 0; i < words; ++i) {
    const uint32_t w = (uint32_t)weights[2 * i];
    both = tg_smlad(w, column[i * step], both);
    a = tg_smlad(tg_even_bytes(w), column[i * step], a);
  }
  twice[0] = (int32_t)((uint32_t)a << 1);
  twice[1] = (int32_t)((uint32_t)both - (uint32_t)a) >> 7;
}

/* four filters of one column; returns the weights behind them */
static inline const int32_t *tg_tile_quad(const int32_t *weights, const uint32_t *column, int32_t step, int32_t words,
                                          int32_t zero_point, int32_t relu, int8_t *out) {
  int32_t twice[4];
  tg_tile_pair(weights + 4, column, step, words, weights, twice);
  tg_tile_pair(weights + 5, column, step, words, weights + 2, twice + 2);
  weights += 4 + 2 * words;
  for (int32_t f = 0; f < 4; ++f, weights += 2) {
    out[f] = (int8_t)tg_requantize_dsp(twice[f], weights[0], weights[1], zero_point, relu);
  }
  return weights;
}

#endif

/* `quads` times four filters of two columns of k inputs, to out[f] and out[distance + f]; distance 0 when both columns
 * are the same. Returns the weights behind the last filter. */
static inline const int32_t *tg_tile_4x2(const int32_t *weights, const uint32_t *columns, int32_t k, int32_t quads,
                                         int32_t zero_point, int32_t relu, int8_t *out, int32_t distance) {
#if TG_DSP
  const int32_t entry = (TG_TILE_STEPS - k / 2 % TG_TILE_STEPS) % TG_TILE_STEPS * TG_TILE_STEP_BYTES;
  if (quads > 0) tg_tile_4x2_loop(weights, columns, out, out + distance, out + 4 * quads, zero_point, relu, columns + k, entry);
#else
  const int32_t *from = weights;
  for (int32_t q = 0; q < quads; ++q) {
    (void)tg_tile_quad(from, columns + 1, 2, k / 2, zero_point, relu, out + distance + 4 * q);
    from = tg_tile_quad(from, columns, 2, k / 2, zero_point, relu, out + 4 * q);
  }
#endif
  return weights + quads * (12 + k);
}

typedef struct {
  int32_t channels; /* outputs; the stream is padded to four */
  int32_t zero_point;
  int32_t activation_min, activation_max;
  const int32_t *stream;
} tg_tile_output;

/* What is seldom: the filters left over of the last four, which are computed apart, and a clamp. */
TG_SHARED void tg_tile_finish(const tg_tile_output *p, const uint32_t *columns, int32_t k, int8_t *out,
                              int32_t distance) {
  const int32_t relu = p->activation_min >= p->zero_point ? 1 : 0;
  const int32_t whole = p->channels & ~3;
  if (whole < p->channels) {
    int8_t tail[8];
    (void)tg_tile_4x2(p->stream + whole / 4 * (12 + k), columns, k, 1, p->zero_point, relu, tail, 4);
    for (int32_t f = whole; f < p->channels; ++f) {
      out[distance + f] = tail[4 + f - whole];
      out[f] = tail[f - whole];
    }
  }
  if (p->activation_min > INT8_MIN || p->activation_max < INT8_MAX) {
    tg_clamp_bytes(out, p->channels, p->activation_min, p->activation_max);
    if (distance) tg_clamp_bytes(out + distance, p->channels, p->activation_min, p->activation_max);
  }
}

/* All outputs of two columns; callers have a copy of the params, so that nothing is computed twice. */
static inline void tg_tile_columns(const tg_tile_output *p, const uint32_t *columns, int32_t k, int8_t *out,
                                   int32_t distance) {
  const int32_t relu = p->activation_min >= p->zero_point ? 1 : 0;
  (void)tg_tile_4x2(p->stream, columns, k, p->channels / 4, p->zero_point, relu, out, distance);
  if (p->channels % 4 || p->activation_min > INT8_MIN || p->activation_max < INT8_MAX) {
    tg_tile_finish(p, columns, k, out, distance);
  }
}

/* n bytes, widened, every `step` words: 2 for one of two columns; the last word is filled up with zeros */
static inline uint32_t *tg_widen(const int8_t *from, int32_t n, uint32_t *to, int32_t step) {
  for (; n >= 4; n -= 4, from += 4, to += 2 * step) {
    const uint32_t word = tg_load4(from);
    to[0] = tg_even_bytes(word);
    to[step] = tg_odd_bytes(word);
  }
  if (n > 0) {
    to[0] = tg_halves(from[0], n > 2 ? from[2] : 0);
    to[step] = tg_halves(n > 1 ? from[1] : 0, 0);
    to += 2 * step;
  }
  return to;
}

#endif

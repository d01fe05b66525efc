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
 *   for each filter twice its multiplier less 2^32, and 2^(32 - right shift).
 * A alone is summed with its sign extended (SXTB16), and twice the sum of B is the difference >> 7. */
#ifndef TG_TILE_H
#define TG_TILE_H

#include "tg_dsp.h"

/* What is computed: all quads of filters for `pairs` times two columns, whose outputs follow one another in memory. With
 * `from` the columns are made of two times `depth` bytes from there on, else they are there (and pairs is 1). The
 * assembly reads the fields up to `depth`. */
typedef struct {
  uint32_t *columns;
  int8_t *out;     /* 4: of the first column */
  int8_t *second;  /* 8: of the second one */
  int8_t *out_end; /* 12: of the first one */
  int32_t zero_point;
  const char *end; /* 20: of the columns, less by one where the sign is to be corrected */
  int32_t entry;   /* 24: bytes into the unrolled loop, as far as the first round is shorter */
  const int32_t *weights;
  int32_t pairs;      /* 32 */
  const int8_t *from; /* 36 */
  int32_t distance;   /* 40: from the first column's inputs to the second's */
  int32_t depth;      /* 44: a multiple of 8 */
  int32_t k;
  int32_t relu;
} tg_tile_frame;

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

/* `words` times four bytes as every second word from `to`; returns what is behind them */
static inline uint32_t *tg_widen_words(const int8_t *from, int32_t words, uint32_t *to) {
  for (; words > 1; words -= 2, from += 8, to += 8) {
    const uint32_t a = tg_load4(from);
    const uint32_t b = tg_load4(from + 4);
    to[0] = tg_even_bytes(a);
    to[2] = tg_odd_bytes(a);
    to[4] = tg_even_bytes(b);
    to[6] = tg_odd_bytes(b);
  }
  if (words > 0) {
    const uint32_t word = tg_load4(from);
    to[0] = tg_even_bytes(word);
    to[2] = tg_odd_bytes(word);
    to += 4;
  }
  return to;
}

#if TG_DSP

/* One step: two inputs of two columns times four filters. Registers: r6, r7 A; r8, r9 A + 256 B; r10, r11 C;
 * r12, lr C + 256 D, of the first and the second column; r0 weights, r1 columns. */
#define TG_TILE_SUM \
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
/* Four steps. Four loads in a row take a cycle less than two pairs, and two instructions more: a bit of both. */
#define TG_TILE_STEP \
  "ldm r0!, {r2, r3}\n" \
  "ldm r1!, {r4, r5}\n" TG_TILE_SUM
#define TG_TILE_STEPS_4 \
  TG_TILE_STEP TG_TILE_STEP TG_TILE_STEP \
  "ldr r2, [r0], #4\n" \
  "ldr r3, [r0], #4\n" \
  "ldr r4, [r1], #4\n" \
  "ldr r5, [r1], #4\n" TG_TILE_SUM
#define TG_TILE_STEP_BYTES 44
#define TG_TILE_STEPS_4_BYTES 188
/* how many are unrolled */
#ifdef __OPTIMIZE_SIZE__
#define TG_TILE_STEPS 8
#define TG_TILE_ROUND TG_TILE_STEPS_4 TG_TILE_STEPS_4
#else
#define TG_TILE_STEPS 32
#define TG_TILE_ROUND TG_TILE_4(TG_TILE_STEPS_4 TG_TILE_STEPS_4)
#endif

#define TG_TILE_4(x) x x x x
/* one filter of two columns, its multiplier and factor in m and f: to int8, and into the output; r4 and r1 the columns'
 * outputs, r5 zero point */
#define TG_TILE_OUT(a, b, m, f, sign_a, sign_b) \
  "smmlar " a ", " a ", " m ", " a "\n" \
  "smmlar " b ", " b ", " m ", " b "\n" \
  sign_a sign_b \
  "smmlar " a ", " a ", " f ", r5\n" \
  "smmlar " b ", " b ", " f ", r5\n" \
  "ssat " a ", #8, " a "\n" \
  "ssat " b ", #8, " b "\n" \
  "strb " b ", [r1], #1\n" \
  "strb " a ", [r4], #1\n"
#define TG_TILE_SIGN(a) "add " a ", " a ", " a ", asr #31\n"
#define TG_TILE_RELU(a, b, m, f) TG_TILE_OUT(a, b, m, f, "", "")
#define TG_TILE_SIGNED(a, b, m, f) TG_TILE_OUT(a, b, m, f, TG_TILE_SIGN(a), TG_TILE_SIGN(b))
#define TG_TILE_OUTS(one) \
  "ldm r0!, {r2, r3}\n" one("r6", "r7", "r2", "r3") \
  "ldm r0!, {r2, r3, r6, r7}\n" one("r8", "r9", "r2", "r3") one("r10", "r11", "r6", "r7") \
  "ldm r0!, {r2, r3}\n" one("r12", "lr", "r2", "r3")

#if TG_FPU
#define TG_TILE_FRAME \
  "vmov s0, r1\nvmov s1, r2\nvmov s2, r3\nvmov s3, r4\nvmov s4, r5\nvmov s5, r6\n" \
  "vmov s6, r7\nvmov s7, r8\nvmov s8, r9\nvmov s9, r10\nvmov s10, r11\nvmov s11, r12\n"
#define TG_TILE_ENTER "vmov r2, s6\nbx r2\n"
#else
#define TG_TILE_FRAME "push {r1-r12}\n"
#define TG_TILE_ENTER "ldr.w pc, [sp, #24]\n"
#endif

/* slots: the frame. What the last comparison of a loop finds is kept until the sign may be corrected. */
TG_NAKED static void tg_tile_run(TG_ARG const tg_tile_frame *frame) {
  __asm__ volatile(
      ".syntax unified\n"
      "push {r4-r11, lr}\n"
      "ldm.w r0, {r1-r12}\n"
      "adr.w lr, 3f\n"
      "add r7, lr\n"
      "orr r7, r7, #1\n" TG_TILE_FRAME
      "1:\n"
      TG_GET_2("r0", "r1", 9, 10)
      TG_GET("r2", 11)
      TG_GET("r3", 0)
      "cmp r0, #0\n"
      "beq 7f\n"
      "add r1, r0\n"
      "6:\n"
      "ldr r4, [r0], #4\n"
      "ldr r5, [r1], #4\n"
      "ldr r10, [r0], #4\n"
      "ldr r11, [r1], #4\n"
      "sxtb16 r6, r4\n"
      "sxtb16 r7, r5\n"
      "sxtb16 r8, r4, ror #8\n"
      "sxtb16 r9, r5, ror #8\n"
      "sxtb16 r4, r10\n"
      "sxtb16 r5, r11\n"
      "stm r3!, {r6, r7, r8, r9}\n"
      "sxtb16 r6, r10, ror #8\n"
      "sxtb16 r7, r11, ror #8\n"
      "subs r2, r2, #8\n"
      "stm r3!, {r4, r5, r6, r7}\n"
      "bne 6b\n"
      TG_PUT("r1", 9)
      "7:\n"
      TG_GET("r0", 7)
      /* the first step, with the biases of A, A + 256 B, C, C + 256 D in r2 .. r5 */
      "2:\n"
      TG_GET("r1", 0)
      "ldm.w r0!, {r2, r3, r4, r5, r10, r12}\n"
      "ldm r1!, {r6, r7}\n"
      "smlad r8, r10, r6, r3\n"
      "smlad r9, r10, r7, r3\n"
      "smlad lr, r12, r7, r5\n"
      "sxtb16 r3, r12\n"
      "smlad r12, r12, r6, r5\n"
      "sxtb16 r5, r10\n"
      "smlad r11, r3, r7, r4\n"
      "smlad r10, r3, r6, r4\n"
      "smlad r7, r5, r7, r2\n"
      "smlad r6, r5, r6, r2\n"
      TG_TILE_ENTER
      ".balign 4\n"
      "3:\n" TG_TILE_ROUND
      TG_GET("r2", 5)
      "cmp r1, r2\n"
      "blo.w 3b\n"
      TG_GET_2("r4", "r1", 1, 2)
      TG_GET("r5", 4)
      "sub.w r8, r8, r6\n"
      "sub.w r9, r9, r7\n"
      "sub.w r12, r12, r10\n"
      "sub.w lr, lr, r11\n"
      "asr.w r8, r8, #8\n"
      "asr.w r9, r9, #8\n"
      "asr.w r12, r12, #8\n"
      "asr.w lr, lr, #8\n"
      TG_IF_FAST("bne.w 4f\n" TG_TILE_OUTS(TG_TILE_RELU) "5:\n")
      TG_IF_SMALL(TG_TILE_OUTS(TG_TILE_SIGNED))
      TG_GET("r2", 3)
      TG_PUT_2("r4", "r1", 1, 2)
      "cmp r4, r2\n"
      "bne.w 2b\n"
      TG_GET("r3", 8)
      "subs r3, r3, #1\n"
      "beq 8f\n"
      TG_PUT("r3", 8)
      "subs r4, r1, r4\n" /* outputs of a column */
      "add r4, r1\n"
      TG_PUT_2("r1", "r4", 1, 2)
      TG_PUT("r4", 3)
      "b.w 1b\n"
      "8:\n"
      TG_SLOTS_END(12)
      "pop {r4-r11, pc}\n"
      TG_IF_FAST("4:\n" TG_TILE_OUTS(TG_TILE_SIGNED) "b.w 5b\n"));
}

#else

/* two filters of one column, their sums to sums[0] and sums[1]; step: words from one input pair to the next */
static inline void tg_tile_pair(const int32_t *weights, const uint32_t *column, int32_t step, int32_t words,
                                const int32_t *bias, int32_t *sums) {
  int32_t a = bias[0];
  int32_t both = bias[1];
  for (int32_t i = 0; i < words; ++i) {
    const uint32_t w = (uint32_t)weights[2 * i];
    both = tg_smlad(w, column[i * step], both);
    a = tg_smlad(tg_even_bytes(w), column[i * step], a);
  }
  sums[0] = a;
  sums[1] = (int32_t)((uint32_t)both - (uint32_t)a) >> 8;
}

/* four filters of one column; returns the weights behind them */
static inline const int32_t *tg_tile_quad(const int32_t *weights, const uint32_t *column, int32_t step, int32_t words,
                                          int32_t zero_point, int32_t relu, int8_t *out) {
  int32_t sums[4];
  tg_tile_pair(weights + 4, column, step, words, weights, sums);
  tg_tile_pair(weights + 5, column, step, words, weights + 2, sums + 2);
  weights += 4 + 2 * words;
  for (int32_t f = 0; f < 4; ++f, weights += 2) {
    out[f] = (int8_t)tg_requantize_dsp_sum(sums[f], weights[0], weights[1], zero_point, relu);
  }
  return weights;
}

static inline void tg_tile_run(const tg_tile_frame *frame) {
  uint32_t *columns = frame->columns;
  const int32_t words = frame->k / 2;
  const int8_t *from = frame->from;
  const int32_t channels = (int32_t)(frame->out_end - frame->out);
  int8_t *out = frame->out;
  for (int32_t pair = 0; pair < frame->pairs; ++pair, out += 2 * channels) {
    int8_t *second = pair ? out + channels : frame->second;
    const int32_t *weights = frame->weights;
    if (from != NULL) {
      (void)tg_widen(from, frame->depth, columns, 2);
      (void)tg_widen(from + frame->distance, frame->depth, columns + 1, 2);
      from += frame->distance + frame->depth;
    }
    for (int32_t f = 0; f < channels; f += 4) {
      (void)tg_tile_quad(weights, columns + 1, 2, words, frame->zero_point, frame->relu, second + f);
      weights = tg_tile_quad(weights, columns, 2, words, frame->zero_point, frame->relu, out + f);
    }
  }
}

#endif

typedef struct {
  int32_t channels; /* outputs; the stream is padded to four */
  int32_t zero_point;
  int32_t activation_min, activation_max;
  const int32_t *stream;
} tg_tile_output;

/* For columns of k inputs, made one pair after the other. */
static inline tg_tile_frame tg_tile_begin(const tg_tile_output *p, uint32_t *columns, int32_t k) {
  tg_tile_frame frame;
  memset(&frame, 0, sizeof frame);
  frame.columns = columns;
  frame.zero_point = p->zero_point;
  frame.weights = p->stream;
  frame.pairs = 1;
  frame.k = k;
  frame.relu = p->activation_min >= p->zero_point ? 1 : 0;
#if TG_DSP
  /* steps that are not in the first round; one is made before it */
  const int32_t skip = (TG_TILE_STEPS - (k / 2 - 1) % TG_TILE_STEPS) % TG_TILE_STEPS;
  frame.entry = skip / 4 * TG_TILE_STEPS_4_BYTES + skip % 4 * TG_TILE_STEP_BYTES;
  frame.end = (const char *)(columns + k) - (frame.relu ? 0 : 1);
#endif
  return frame;
}

/* Filters left over of the last four are computed apart. The frame's outputs and weights change for as long. */
TG_SHARED void tg_tile_rest(const tg_tile_output *p, tg_tile_frame *frame, int8_t *out, int32_t distance) {
  const int32_t whole = p->channels & ~3;
  int8_t tail[8];
  frame->weights = p->stream + whole / 4 * (12 + frame->k);
  frame->out = tail;
  frame->second = frame->out_end = tail + 4;
  tg_tile_run(frame);
  frame->weights = p->stream;
  frame->out = frame->second = frame->out_end = NULL;
  for (int32_t f = whole; f < p->channels; ++f) {
    out[distance + f] = tail[4 + f - whole];
    out[f] = tail[f - whole];
  }
}

static inline void tg_tile_clamp(const tg_tile_output *p, int8_t *out, int32_t n) {
  if (p->activation_min > INT8_MIN || p->activation_max < INT8_MAX) {
    tg_clamp_bytes(out, n, p->activation_min, p->activation_max);
  }
}

/* All outputs of two columns, to out[f] and out[distance + f]; distance 0 when both columns are the same. Callers have a
 * copy of the params, so that nothing is computed twice. */
static inline void tg_tile_columns(const tg_tile_output *p, tg_tile_frame *frame, int8_t *out, int32_t distance) {
  frame->out = out;
  frame->second = out + distance;
  frame->out_end = out + (p->channels & ~3);
  if (p->channels >= 4) tg_tile_run(frame);
  if (p->channels % 4) tg_tile_rest(p, frame, out, distance);
  tg_tile_clamp(p, out, p->channels);
  if (distance) tg_tile_clamp(p, out + distance, p->channels);
}

#endif

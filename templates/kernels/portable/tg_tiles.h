/* SPDX-License-Identifier: 0BSD */
/* Convolutions and dense layers on cores without SIMD: tiles of four filters times one or two columns (what a filter is
 * multiplied with: an input row, or an output pixel's window), whose sums stay in registers.
 *
 * Inputs and weights have 128 added, so that they are loaded without a sign. What that adds to a sum is taken off where
 * it costs least: -128 times a filter's weights is in its bias, -128 times a column's inputs is where its sums start.
 * Weights lie as they are read: of every four filters input by input, and the filters left over one by one. */
#ifndef TG_TILES_H
#define TG_TILES_H

#include "tg_fixedpoint.h"

/* one copy for all layers */
#if defined(__clang__)
#define TG_ONE_COPY __attribute__((noinline, unused)) static
#else
#define TG_ONE_COPY __attribute__((noinline, noclone, unused)) static
#endif

/* Columns of a tile, which lie in scratch input by input; eight registers are enough for one. */
#ifndef TG_TILE_COLUMNS
#if defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_8M_BASE__) || defined(__AVR__)
#define TG_TILE_COLUMNS 1
#else
#define TG_TILE_COLUMNS 2
#endif
#endif

/* Sums in this order: a compiler that first adds up products, and loads far ahead, runs out of registers. LOADED: and
 * what is loaded goes into one of the eight that a multiplication takes. */
#if !defined(__GNUC__)
#define TG_IN_ORDER(sum) (void)(sum)
#define TG_LOADED(x) (void)(x)
#elif defined(__thumb__) && !defined(__thumb2__)
#define TG_IN_ORDER(sum) __asm__ volatile("" : "+l"(sum) : : "memory")
#define TG_LOADED(x) __asm__ volatile("" : "+l"(x))
#else
#define TG_IN_ORDER(sum) __asm__ volatile("" : "+r"(sum) : : "memory")
#define TG_LOADED(x) (void)(x)
#endif

#if defined(__GNUC__)
#define TG_OPAQUE(x) __asm__ volatile("" : "+r"(x))
#else
#define TG_OPAQUE(x) (void)(x)
#endif

typedef struct {
  int32_t depth, channels; /* inputs of a filter, and filters */
  int32_t zero_point;
  int32_t activation_min, activation_max;
  const int8_t *weights;
  const int32_t *output; /* bias and multiplier of each filter */
  const int8_t *shift;
} tg_tiles;

#define TG_TILE_LOAD(w) ((uint32_t)(uint8_t)TG_LOAD_S8(w))

/* Four filters times a column, to sums[0] to [3], which start at `start`: the loop over the inputs, each of which
 * LOAD(column + i) gives. */
#define TG_TILE_PRODUCT(i, sum)                    \
  {                                                \
    uint32_t product = TG_TILE_LOAD(w + (i));      \
    TG_LOADED(product);                            \
    product *= x;                                  \
    sum += product;                                \
    TG_IN_ORDER(sum);                              \
  }
#define TG_TILES_STEP(i, LOAD)                 \
  {                                           \
    uint32_t x = LOAD(column + (i));          \
    TG_LOADED(x);                             \
    TG_TILE_PRODUCT(4 * (i), a)               \
    TG_TILE_PRODUCT(4 * (i) + 1, b)           \
    TG_TILE_PRODUCT(4 * (i) + 2, c)           \
    TG_TILE_PRODUCT(4 * (i) + 3, d)           \
  }
#define TG_TILE_LOOP(LOAD)                                            \
  const int8_t *end = w + 4 * (depth & ~INT32_C(7));                  \
  const int8_t *last = w + 4 * depth;                                 \
  uint32_t a = start;                                                 \
  uint32_t b = start;                                                 \
  uint32_t c = start;                                                 \
  uint32_t d = start;                                                 \
  for (; w != end; w += 32, column += 8) {                            \
    TG_TILES_STEP(0, LOAD)                                             \
    TG_TILES_STEP(1, LOAD)                                             \
    TG_TILES_STEP(2, LOAD)                                             \
    TG_TILES_STEP(3, LOAD)                                             \
    TG_TILES_STEP(4, LOAD)                                             \
    TG_TILES_STEP(5, LOAD)                                             \
    TG_TILES_STEP(6, LOAD)                                             \
    TG_TILES_STEP(7, LOAD)                                             \
  }                                                                   \
  TG_OPAQUE(last); /* or the last inputs get code of their own */   \
  for (; w != last; w += 4, ++column) TG_TILES_STEP(0, LOAD)           \
  sums[0] = a;                                                        \
  sums[1] = b;                                                        \
  sums[2] = c;                                                        \
  sums[3] = d;

/* the inputs as they are, without 128 added */
#define TG_TILES_SIGNED(x) ((uint32_t)(int32_t)*(x))
TG_ONE_COPY void tg_tiles_row(const int8_t *w, const int8_t *column, int32_t depth, uint32_t start, uint32_t *sums) {
  TG_TILE_LOOP(TG_TILES_SIGNED)
}

/* and with 128 added */
#define TG_TILE_UNSIGNED(x) ((uint32_t)*(x))
static inline void tg_tile(const int8_t *w, const uint8_t *column, int32_t depth, uint32_t start, uint32_t *sums) {
  TG_TILE_LOOP(TG_TILE_UNSIGNED)
}

#if TG_TILE_COLUMNS == 2
#define TG_TILE_TWO(i, first, second)                   \
  {                                                     \
    const uint32_t weight = TG_TILE_LOAD(w + (i));      \
    first += x * weight;                                \
    TG_IN_ORDER(first);                                 \
    second += y * weight;                               \
    TG_IN_ORDER(second);                                \
  }
#define TG_TILE_STEP_TWO(i)                  \
  {                                          \
    const uint32_t x = column[2 * (i)];      \
    const uint32_t y = column[2 * (i) + 1];  \
    TG_TILE_TWO(4 * (i), a, e)               \
    TG_TILE_TWO(4 * (i) + 1, b, f)           \
    TG_TILE_TWO(4 * (i) + 2, c, g)           \
    TG_TILE_TWO(4 * (i) + 3, d, h)           \
  }
/* the same for two columns; their sums alternate */
static inline void tg_tiles_two(const int8_t *w, const uint8_t *column, int32_t depth, const uint32_t *starts,
                               uint32_t *sums) {
  const int8_t *end = w + 4 * (depth & ~INT32_C(3));
  const int8_t *last = w + 4 * depth;
  uint32_t a = starts[0];
  uint32_t b = a;
  uint32_t c = a;
  uint32_t d = a;
  uint32_t e = starts[1];
  uint32_t f = e;
  uint32_t g = e;
  uint32_t h = e;
  for (; w != end; w += 16, column += 8) {
    TG_TILE_STEP_TWO(0)
    TG_TILE_STEP_TWO(1)
    TG_TILE_STEP_TWO(2)
    TG_TILE_STEP_TWO(3)
  }
  TG_OPAQUE(last);
  for (; w != last; w += 4, column += 2) TG_TILE_STEP_TWO(0)
  sums[0] = a;
  sums[1] = e;
  sums[2] = b;
  sums[3] = f;
  sums[4] = c;
  sums[5] = g;
  sums[6] = d;
  sums[7] = h;
}
#endif

/* From a sum to int8. Behind a ReLU no sum is looked at that is not positive. */
typedef struct {
  int32_t positive; /* the smallest sum whose output is not simply activation_min */
  int32_t zero_point;
  int32_t activation_min, activation_max;
} tg_stage;

static inline tg_stage tg_stage_of(int32_t zero_point, int32_t activation_min, int32_t activation_max) {
  const tg_stage stage = {activation_min >= zero_point ? 1 : INT32_MIN, zero_point, activation_min, activation_max};
  return stage;
}

static inline int8_t tg_stage_apply(const tg_stage *stage, int32_t sum, int32_t multiplier, int32_t shift) {
  int32_t result = stage->activation_min;
  if (sum >= stage->positive) {
    result = tg_add_wrap(tg_requantize_sum(sum, multiplier, shift), stage->zero_point);
    result = tg_clamp(result, stage->activation_min, stage->activation_max);
  }
  return (int8_t)result;
}

/* The sums of `count` filters from the first on, one every `step`, to int8. */
static inline void tg_tiles_output(const tg_tiles *p, const uint32_t *sums, int32_t step, int32_t first, int32_t count,
                                  int8_t *to) {
  const tg_stage stage = tg_stage_of(p->zero_point, p->activation_min, p->activation_max);
  const int32_t *output = p->output + 2 * first;
  const int8_t *shift = p->shift + first;
  const int8_t *end = shift + count;
  for (to += first; shift != end; ++shift, output += 2, sums += step) {
    const int32_t sum = (int32_t)(*sums + (uint32_t)TG_LOAD_S32(output));
    *to++ = tg_stage_apply(&stage, sum, TG_LOAD_S32(output + 1), TG_LOAD_S8(shift));
  }
}

/* All filters times the columns, which lie input by input; their sums start at starts[i], the outputs go to to[i][...]. */
TG_ONE_COPY void tg_tiles_columns(const tg_tiles *p, const uint8_t *columns, int32_t there, const uint32_t *starts,
                                 int8_t *const *to) {
  const int32_t count = TG_TILE_COLUMNS == 1 ? 1 : there;
  const int8_t *w = p->weights;
  uint32_t sums[4 * TG_TILE_COLUMNS];
  int32_t filters;
  for (int32_t c = 0; c < p->channels; c += filters, w += filters * p->depth) {
    filters = p->channels - c < 4 ? 1 : 4;
    if (filters == 1) {
      for (int32_t i = 0; i < count; ++i) {
        sums[i] = starts[i];
        for (int32_t k = 0; k < p->depth; ++k) sums[i] += columns[count * k + i] * TG_TILE_LOAD(w + k);
      }
#if TG_TILE_COLUMNS == 2
    } else if (count == 2) {
      tg_tiles_two(w, columns, p->depth, starts, sums);
#endif
    } else {
      tg_tile(w, columns, p->depth, starts[0], sums);
    }
    for (int32_t i = 0; i < count; ++i) tg_tiles_output(p, sums + i, count, c, filters, to[i]);
  }
}

/* n inputs into a column; returns their sum with 128 added to each */
TG_ONE_COPY uint32_t tg_tiles_fill(const int8_t *from, int32_t n, uint8_t *to) {
  uint32_t sum = 0;
  for (; n >= 4; n -= 4, from += 4, to += 4 * TG_TILE_COLUMNS) {
    const uint32_t a = (uint8_t)from[0] ^ 0x80U;
    const uint32_t b = (uint8_t)from[1] ^ 0x80U;
    const uint32_t c = (uint8_t)from[2] ^ 0x80U;
    const uint32_t d = (uint8_t)from[3] ^ 0x80U;
    to[0] = (uint8_t)a;
    to[TG_TILE_COLUMNS] = (uint8_t)b;
    to[2 * TG_TILE_COLUMNS] = (uint8_t)c;
    to[3 * TG_TILE_COLUMNS] = (uint8_t)d;
    sum += a + b + c + d;
  }
  for (; n > 0; --n, ++from, to += TG_TILE_COLUMNS) {
    *to = (uint8_t)((uint8_t)*from ^ 0x80U);
    sum += *to;
  }
  return sum;
}

/* the same of n times the zero point */
static inline uint32_t tg_tiles_fill_zero(int32_t zero_point, int32_t n, uint8_t *to) {
  const uint8_t zero = (uint8_t)(zero_point + 128);
  for (int32_t i = 0; i < n; ++i) to[i * TG_TILE_COLUMNS] = zero;
  return (uint32_t)zero * (uint32_t)n;
}

#endif

/* SPDX-License-Identifier: 0BSD */
/* What every kernel shares: views of tensors, access to constants, and how a kernel is called.
 *
 * A kernel is   tg_NAME(params, input views..., output view, y0, y1, scratch, carry)
 * and computes the block of rows [y0, y1): output rows, or input rows where its comment says so.
 * scratch is memory for this call only; carry lives from the first block of an inference to the last.
 * Kernels are static functions in headers: each model compiles its own, so the compiler sees their
 * constant parameters, and two models in one firmware never clash.
 */
#ifndef TG_KERNEL_H
#define TG_KERNEL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TG_KERNEL static inline

/* Constants stay in flash. Where flash is a separate address space they are read through these. */
#if defined(__AVR__)
#include <avr/pgmspace.h>
#define TG_FLASH PROGMEM
#define TG_LOAD_S8(p) ((int8_t)pgm_read_byte(p))
#define TG_LOAD_S16(p) ((int16_t)pgm_read_word(p))
#define TG_LOAD_S32(p) ((int32_t)pgm_read_dword(p))
#define TG_LOAD_S64(p) ((int64_t)((uint64_t)pgm_read_dword((const uint32_t *)(p) + 1) << 32 | pgm_read_dword(p)))
#else
#define TG_FLASH
#define TG_LOAD_S8(p) (*(p))
#define TG_LOAD_S16(p) (*(p))
#define TG_LOAD_S32(p) (*(p))
#define TG_LOAD_S64(p) (*(p))
#endif

/* A tensor seen as rows: row y lies at base + (y % ring_rows) * row_bytes. A whole tensor has as many
 * ring rows as rows; fewer make it a ring buffer. */
typedef struct {
  const int8_t *base;
  int32_t row_bytes;
  int32_t ring_rows;
} tg_input;

typedef struct {
  int8_t *base;
  int32_t row_bytes;
  int32_t ring_rows;
} tg_output;

static inline const int8_t *tg_input_row(const tg_input *view, int32_t y) {
  return view->base + (y % view->ring_rows) * view->row_bytes;
}

static inline int8_t *tg_output_row(const tg_output *view, int32_t y) {
  return view->base + (y % view->ring_rows) * view->row_bytes;
}

/* the same of tensors of int16; their rows are aligned to 2 bytes */
static inline const int16_t *tg_input_row16(const tg_input *view, int32_t y) {
  return (const int16_t *)(const void *)tg_input_row(view, y);
}

static inline int16_t *tg_output_row16(const tg_output *view, int32_t y) {
  return (int16_t *)(void *)tg_output_row(view, y);
}

/* Row y + by becomes row y, for y in [first, end), in a ring of `depth` rows: the window has moved on. */
static inline void tg_move_rows(int8_t *base, int32_t row_bytes, int32_t depth, int32_t first, int32_t end, int32_t by) {
  for (int32_t y = first; y < end; ++y) {
    memcpy(base + y % depth * row_bytes, base + (y + by) % depth * row_bytes, (size_t)row_bytes);
  }
}

static inline int32_t tg_min(int32_t a, int32_t b) { return a < b ? a : b; }
static inline int32_t tg_max(int32_t a, int32_t b) { return a > b ? a : b; }

/* How many rows can be made of the first `got` rows of another tensor, also counted on beyond the ends of both;
 * with divide = 0 it takes `add` rows to make all `multiply` of them at once. */
static inline int32_t tg_ready(int32_t got, int32_t multiply, int32_t add, int32_t divide) {
  return divide == 0 ? (got >= add ? multiply : 0) : tg_max(got * multiply + add, 0) / divide;
}

/* a + b modulo 2^32: accumulators wrap, as TFLM's do; signed overflow would be undefined */
static inline int32_t tg_add_wrap(int32_t a, int32_t b) { return (int32_t)((uint32_t)a + (uint32_t)b); }

static inline int32_t tg_clamp(int32_t x, int32_t low, int32_t high) {
  return x < low ? low : x > high ? high : x;
}

#endif

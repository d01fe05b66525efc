/* SPDX-License-Identifier: 0BSD */
/* Rows of any type picked by int32 indices. Output row y is picked by index y % count of its group; `groups` groups
 * one after the other use the same `count` indices, each on the next `rows` rows of the input. The numbers of an index
 * times `step` give the row; one outside of 0 to rows - 1 gives the nearest there is, so nothing else is ever read. */
#ifndef TG_GATHER_H
#define TG_GATHER_H

#include "tg_kernel.h"

typedef struct {
  int32_t count;
  int32_t groups;
  int32_t rows;
  int32_t depth; /* numbers of an index */
  int32_t step[5];
  int32_t row_bytes;
} tg_gather_params;

static inline int32_t tg_gather_row(const tg_gather_params *p, const int32_t *index) {
  int64_t row = 0;
  for (int32_t i = 0; i < p->depth; ++i) {
    row += (int64_t)index[i] * p->step[i];
  }
  return row < 0 ? 0 : row >= p->rows ? p->rows - 1 : (int32_t)row;
}

TG_KERNEL void tg_gather(const tg_gather_params *p, const tg_input *in, const tg_input *indices, const tg_output *out,
                         int32_t y0, int32_t y1, void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const int32_t group = y / p->count;
    const int8_t *index = tg_input_row(indices, group / p->groups * p->count + y % p->count);
    const int32_t row = tg_gather_row(p, (const int32_t *)(const void *)index);
    memcpy(tg_output_row(out, y), tg_input_row(in, group * p->rows + row), (size_t)p->row_bytes);
  }
}

#endif

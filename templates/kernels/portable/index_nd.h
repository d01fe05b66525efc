/* SPDX-License-Identifier: 0BSD */
/* Picks elements of any size by tables: output row y is made from input row row[y]; in a row, four loops go around
 * runs of `run` bytes, and `offset` has for each step of each loop, one loop after the other, how many bytes from the
 * row's begin the run lies. */
#ifndef TG_INDEX_ND_H
#define TG_INDEX_ND_H

#include "tg_kernel.h"

typedef struct {
  const int32_t *row;
  int32_t extent[4]; /* outer to inner */
  const int32_t *offset;
  int32_t run;
} tg_index_nd_params;

TG_KERNEL void tg_index_nd(const tg_index_nd_params *p, const tg_input *in, const tg_output *out, int32_t y0,
                           int32_t y1, void *scratch, void *carry) {
  const int32_t *offset_a = p->offset;
  const int32_t *offset_b = offset_a + p->extent[0];
  const int32_t *offset_c = offset_b + p->extent[1];
  const int32_t *offset_d = offset_c + p->extent[2];
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const int8_t *from = tg_input_row(in, TG_LOAD_S32(p->row + y));
    int8_t *to = tg_output_row(out, y);
    for (int32_t a = 0; a < p->extent[0]; ++a) {
      for (int32_t b = 0; b < p->extent[1]; ++b) {
        for (int32_t c = 0; c < p->extent[2]; ++c) {
          const int8_t *f =
              from + (TG_LOAD_S32(offset_a + a) + TG_LOAD_S32(offset_b + b) + TG_LOAD_S32(offset_c + c));
          for (int32_t d = 0; d < p->extent[3]; ++d, to += p->run) {
            memcpy(to, f + TG_LOAD_S32(offset_d + d), (size_t)p->run);
          }
        }
      }
    }
  }
}

#endif

/* SPDX-License-Identifier: 0BSD */
/* Copies strided pieces of a tensor, elements of any size; strides and offsets are bytes. Of the output rows, `rows`
 * from first_row on are copied to: the i-th comes from the input row input_row + i * input_row_step, or, where the
 * input is one long row, from input_row_stride further on in it. In a row, four loops go around runs of `run` bytes;
 * an input stride may be negative, or 0 to repeat. With fill_size the row is first filled with fill_value. */
#ifndef TG_COPY_ND_H
#define TG_COPY_ND_H

#include "tg_kernel.h"

typedef struct {
  int32_t fill_size, fill_value; /* bytes of an element; its bits */
  int32_t first_row, rows;
  int32_t input_row, input_row_step, input_row_stride;
  int32_t input_offset, output_offset; /* in a row */
  int32_t extent[4], input_stride[4], output_stride[4]; /* outer to inner */
  int32_t run;
} tg_copy_nd_params;

static inline void tg_copy_nd_fill(int8_t *to, int32_t bytes, int32_t value, int32_t size) {
  if (size == 1) {
    memset(to, (int)value, (size_t)bytes);
    return;
  }
  for (int32_t i = 0; i < bytes; i += size) {
    memcpy(to + i, &value, (size_t)size); /* its low bytes: every target is little-endian */
  }
}

static inline void tg_copy_nd_row(const tg_copy_nd_params *p, const int8_t *from, int8_t *to) {
  for (int32_t a = 0; a < p->extent[0]; ++a) {
    for (int32_t b = 0; b < p->extent[1]; ++b) {
      for (int32_t c = 0; c < p->extent[2]; ++c) {
        const int8_t *f = from + (a * p->input_stride[0] + b * p->input_stride[1] + c * p->input_stride[2]);
        int8_t *t = to + (a * p->output_stride[0] + b * p->output_stride[1] + c * p->output_stride[2]);
        for (int32_t d = 0; d < p->extent[3]; ++d) {
          if (p->run == 1) {
            t[d * p->output_stride[3]] = f[d * p->input_stride[3]];
          } else {
            memcpy(t + d * p->output_stride[3], f + d * p->input_stride[3], (size_t)p->run);
          }
        }
      }
    }
  }
}

TG_KERNEL void tg_copy_nd(const tg_copy_nd_params *p, const tg_input *in, const tg_output *out, int32_t y0, int32_t y1,
                          void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const int32_t i = y - p->first_row;
    int8_t *to = tg_output_row(out, y);
    if (p->fill_size > 0) tg_copy_nd_fill(to, out->row_bytes, p->fill_value, p->fill_size);
    if (i < 0 || i >= p->rows) continue;
    const int8_t *from = tg_input_row(in, p->input_row + i * p->input_row_step);
    tg_copy_nd_row(p, from + (p->input_offset + i * p->input_row_stride), to + p->output_offset);
  }
}

#endif

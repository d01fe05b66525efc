/* SPDX-License-Identifier: 0BSD */
/* BATCH_MATMUL, int16: out[batch][row][column] = sum over depth of left[row][depth] * right[depth][column].
 * Batches have three axes, of any, batch1 and batch2 elements; every axis has its step in the operands, 0 where
 * a batch is repeated. Rows are output rows; each operand is a view of one row that holds it all. */
#ifndef TG_BATCH_MATMUL_S16_H
#define TG_BATCH_MATMUL_S16_H

#include "tg_fixedpoint.h"

typedef struct {
  int32_t rows, depth, columns;
  int32_t batch1, batch2;
  int32_t left_step0, left_step1, left_step2, left_row_step, left_depth_step;
  int32_t right_step0, right_step1, right_step2, right_depth_step, right_column_step;
  int32_t left_zero_point, right_zero_point, output_zero_point; /* 0, as all zero points of int16 */
  int32_t multiplier, shift; /* a multiplier of 16 bits */
} tg_batch_matmul_s16_params;

TG_KERNEL void tg_batch_matmul_s16(const tg_batch_matmul_s16_params *p, const tg_input *left, const tg_input *right,
                                  const tg_output *out, int32_t y0, int32_t y1, void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const int32_t batch = y / p->rows;
    const int32_t b2 = batch % p->batch2;
    const int32_t b1 = batch / p->batch2 % p->batch1;
    const int32_t b0 = batch / p->batch2 / p->batch1;
    const int16_t *a = tg_input_row16(left, 0) + y % p->rows * p->left_row_step;
    const int16_t *b = tg_input_row16(right, 0);
    int16_t *to = tg_output_row16(out, y);
    a += b0 * p->left_step0 + b1 * p->left_step1 + b2 * p->left_step2;
    b += b0 * p->right_step0 + b1 * p->right_step1 + b2 * p->right_step2;
    for (int32_t x = 0; x < p->columns; ++x) {
      int64_t acc = 0;
      for (int32_t i = 0; i < p->depth; ++i) {
        acc += (int32_t)a[i * p->left_depth_step] * b[i * p->right_depth_step + x * p->right_column_step];
      }
      *to++ = (int16_t)tg_clamp(tg_requantize64(acc, p->multiplier, p->shift), INT16_MIN, INT16_MAX);
    }
  }
}

#endif
